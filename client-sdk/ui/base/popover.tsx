import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren, RefObject } from "preact";

interface PopoverProps {
  /** What the panel is called, for those who do not see it. */
  label: string;
  /** What the button is called, where its content does not say so. */
  buttonLabel?: string;
  buttonClass?: string;
  button: ComponentChildren;
  panelClass?: string;
  disabled?: boolean;
  /** The side of the button at which the panel begins. */
  align?: "start" | "end";
  onOpen?(): void;
  children(close: () => void): ComponentChildren;
}

/**
 * A button and the panel that it opens. Esc closes and gives the focus back; so does going elsewhere, without taking the
 * focus from there.
 */
export function Popover(props: PopoverProps) {
  const {
    align = "start",
    button,
    buttonClass,
    buttonLabel,
    children,
    disabled,
    label,
    onOpen,
    panelClass = "",
  } = props;
  const [open, setOpen] = useState(false);
  const anchor = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const id = useId();
  useLeaving(anchor, open, () => setOpen(false));
  const close = () => {
    setOpen(false);
    opener.current?.focus();
  };
  return (
    <div
      class="anchor"
      ref={anchor}
      onKeyDown={(event) => {
        if (!open || event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        close();
      }}
    >
      <button
        type="button"
        class={buttonClass}
        ref={opener}
        disabled={disabled}
        aria-label={buttonLabel}
        title={buttonLabel}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => {
          if (!open) onOpen?.();
          setOpen(!open);
        }}
      >
        {button}
      </button>
      {open && (
        <Panel id={id} label={label} align={align} class={panelClass}>
          {children(close)}
        </Panel>
      )}
    </div>
  );
}

interface PanelProps {
  id: string;
  label: string;
  align: "start" | "end";
  class: string;
  children: ComponentChildren;
}

function Panel({ align, children, id, label, ...props }: PanelProps) {
  const panel = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { current } = panel;
    if (!current) return;
    keepInView(current);
    // The keyboard goes on inside, unless something there asked for the focus already.
    if (!current.contains(document.activeElement)) current.focus({ preventScroll: true });
  }, []);
  return (
    <div id={id} ref={panel} role="dialog" aria-label={label} tabIndex={-1} class={`popover ${align} ${props.class}`}>
      {children}
    </div>
  );
}

/** Above its button where there is no room below, and never beyond the sides of the window. */
function keepInView(panel: HTMLElement): void {
  const { height, top } = panel.getBoundingClientRect();
  const above = panel.parentElement!.getBoundingClientRect().top;
  if (top + height > innerHeight && above > height) panel.classList.add("above");
  const { left, right } = panel.getBoundingClientRect();
  const over = Math.max(0, right - document.documentElement.clientWidth + 8) || Math.min(0, left - 8);
  if (over) panel.style.translate = `${-over}px`;
}

/** Calls `leave` when a press or the focus goes elsewhere. */
export function useLeaving(inside: RefObject<HTMLElement | null>, active: boolean, leave: () => void): void {
  const latest = useRef(leave);
  latest.current = leave;
  useLayoutEffect(() => {
    if (!active) return;
    const controller = new AbortController();
    const gone = ({ target }: Event) => {
      // What was pressed may be gone by now; that is no reason to close.
      if (target instanceof Node && target.isConnected && !inside.current?.contains(target)) latest.current();
    };
    for (const name of ["pointerdown", "focusin"]) {
      document.addEventListener(name, gone, { capture: true, signal: controller.signal });
    }
    return () => controller.abort();
  }, [active]);
}
