import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { JSX, RefObject } from "preact";
import type { Person } from "../../src/index.js";
import { useUser } from "../base/app.js";
import { Avatar } from "../people/avatar.js";
import { insert } from "./editing.js";

/** Finds people by a part of their handle or name. */
export type FindPeople = (part: string) => Promise<Person[]>;

/** Between the last key and the question to the server, in milliseconds. */
const PAUSE_MS = 120;

interface Suggestions {
  /** For the text box, so that it is a combobox as long as there is something to choose. */
  aria: Record<string, string | boolean>;
  list: JSX.Element | null;
  /** To be called after each change of text or cursor. */
  look(): void;
  /** True when the key was for the list. */
  onKeyDown(event: KeyboardEvent): boolean;
  close(): void;
}

/** Offers people after an `@`: arrows choose, Enter or Tab takes, Esc closes. */
export function useSuggestions(box: RefObject<HTMLTextAreaElement | null>, find?: FindPeople): Suggestions {
  const [asked, setAsked] = useState<{ part: string; from: number } | null>(null);
  const [people, setPeople] = useState<Person[]>([]);
  const [chosen, setChosen] = useState(0);
  const dismissed = useRef<number | null>(null);
  const id = useId();
  const part = asked?.part;
  const me = useUser()?.id;

  useEffect(() => {
    if (part === undefined || !find) return;
    let wanted = true;
    const timer = setTimeout(() => {
      find(part).then(
        (found) => {
          if (!wanted) return;
          setPeople(found.filter(({ id }) => id !== me));
          setChosen(0);
        },
        // Without suggestions one still can write the handle.
        () => wanted && setPeople([]),
      );
    }, PAUSE_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [part]);

  const close = () => {
    setAsked(null);
    setPeople([]);
  };
  const look = () => {
    const { current } = box;
    if (!current || !find) return;
    const { selectionEnd, selectionStart, value } = current;
    const found =
      selectionStart === selectionEnd && /(?:^|[^\w@/.])@([\p{L}\w]{0,30})$/u.exec(value.slice(0, selectionEnd));
    const from = found ? selectionEnd - found[1]!.length - 1 : -1;
    if (!found || from === dismissed.current) return close();
    dismissed.current = null;
    setAsked({ part: found[1]!, from });
  };
  const take = (person: Person) => {
    const { current } = box;
    if (!current || !asked) return;
    insert(current, asked.from, current.selectionEnd, `@${person.handle} `);
    close();
  };

  const open = asked !== null && people.length > 0;
  const onKeyDown = (event: KeyboardEvent): boolean => {
    if (!open || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return false;
    const { key } = event;
    if (key === "ArrowDown") setChosen((chosen + 1) % people.length);
    else if (key === "ArrowUp") setChosen((chosen + people.length - 1) % people.length);
    else if ((key === "Enter" || key === "Tab") && !event.shiftKey) take(people[chosen]!);
    else if (key === "Escape") {
      dismissed.current = asked.from;
      close();
    } else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };

  const aria: Suggestions["aria"] = !find
    ? {}
    : open
      ? {
          role: "combobox",
          "aria-autocomplete": "list",
          "aria-haspopup": "listbox",
          "aria-expanded": true,
          "aria-controls": `${id}-people`,
          "aria-activedescendant": `${id}-${people[chosen]!.id}`,
        }
      : { "aria-autocomplete": "list", "aria-haspopup": "listbox" };

  const list = open ? (
    <ul class="suggestions" id={`${id}-people`} role="listbox" aria-label="People in this thread">
      {people.map((person, at) => (
        <Option
          key={person.id}
          id={`${id}-${person.id}`}
          person={person}
          chosen={at === chosen}
          onTake={() => take(person)}
        />
      ))}
    </ul>
  ) : null;

  return { aria, list, look, onKeyDown, close };
}

interface OptionProps {
  id: string;
  person: Person;
  chosen: boolean;
  onTake(): void;
}

function Option({ chosen, id, onTake, person }: OptionProps) {
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    <li
      id={id}
      ref={row}
      role="option"
      aria-selected={chosen}
      class="small"
      // Before the box would lose the focus.
      onPointerDown={(event) => {
        event.preventDefault();
        onTake();
      }}
    >
      <Avatar person={person} />
      <bdi class="name">{person.name}</bdi>
      <span class="quiet">@{person.handle}</span>
    </li>
  );
}
