import type { Person } from "../../src/index.js";

const initials = (name: string): string => {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0]!, words.at(-1)!] : [words[0]!];
  return letters
    .map((word) => [...word][0] ?? "")
    .join("")
    .toLocaleUpperCase();
};

/** One of eight, far apart for ids that are not. */
const hue = (id: number): number => Math.imul(id, 0x9e3779b1) >>> 29;

/** A picture, or initials on a colour that stays the same for a person. The name stands beside it, so it is told to nobody. */
export function Avatar({ person }: { person: Person | null }) {
  if (person?.avatar_url)
    return <img class="avatar" src={person.avatar_url} alt="" width={32} height={32} loading="lazy" />;
  return (
    <span class={`avatar hue-${hue(person?.id ?? 0)}`} aria-hidden="true">
      {person ? initials(person.name) : ""}
    </span>
  );
}

/** Some people, one over the other. Who is meant is said beside it. */
export function AvatarStack({ people }: { people: Person[] }) {
  return (
    <span class="stack">
      {people.map((person) => (
        <Avatar key={person.id} person={person} />
      ))}
    </span>
  );
}
