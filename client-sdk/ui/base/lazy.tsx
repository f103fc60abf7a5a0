import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

interface LazyProps<Props extends object> {
  /** Fetches the module; the browser keeps it. */
  load: () => Promise<{ default: ComponentType<Props> }>;
  props: Props;
  /** What it is, for whoever waits. */
  label: string;
}

/** A part of the interface that is fetched when it is first wanted. */
export function Lazy<Props extends object>({ label, load, props }: LazyProps<Props>) {
  const [Part, setPart] = useState<ComponentType<Props> | null>(null);
  const [failed, setFailed] = useState(false);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let wanted = true;
    setFailed(false);
    load().then(
      (module) => wanted && setPart(() => module.default),
      () => wanted && setFailed(true),
    );
    return () => {
      wanted = false;
    };
  }, [attempt]);
  if (Part) return <Part {...props} />;
  if (!failed) return <p class="quiet" role="status" aria-label={`Loading ${label}`} />;
  return (
    <p role="alert">
      <span class="problem">The {label} could not be loaded. </span>
      <button type="button" class="link" onClick={() => setAttempt(attempt + 1)}>
        Try again
      </button>
    </p>
  );
}
