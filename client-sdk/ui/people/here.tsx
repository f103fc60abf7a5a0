import type { Roster } from "../../src/index.js";
import { Popover } from "../base/popover.js";
import { counted } from "../base/words.js";
import { Avatar, AvatarStack } from "./avatar.js";

/** How many faces are shown before numbers take over. */
const FACES = 5;

/** Who is here: a few faces and a number; all names for who asks. Its room is kept, so that reading is not disturbed. */
export function Here({ roster }: { roster: Roster | null }) {
  return <span class="here anchor">{roster && roster.count > 0 && <WhoIsHere roster={roster} />}</span>;
}

function WhoIsHere({ roster }: { roster: Roster }) {
  const { anonymous, count, partial, users } = roster;
  const faces = users.slice(0, FACES);
  const more = count - faces.length;
  const guests = counted(anonymous, "guest", "guests");
  const unnamed = count - anonymous - users.length;
  return (
    <Popover
      label="Who is here"
      buttonLabel={`${partial ? "at least " : ""}${counted(count, "person", "people")} here`}
      buttonClass="plain"
      panelClass="roster"
      align="end"
      button={
        <>
          <AvatarStack people={faces} />
          <span class="number">{more > 0 ? `${faces.length ? "+" : ""}${more.toLocaleString()} here` : "here"}</span>
        </>
      }
    >
      {() => (
        <ul>
          {users.map((person) => (
            <li key={person.id} class="small">
              <Avatar person={person} />
              <bdi class="name">{person.name}</bdi>
              <span class="handle quiet">@{person.handle}</span>
            </li>
          ))}
          {unnamed > 0 && <li class="quiet">and {counted(unnamed, "other person", "others")}</li>}
          {anonymous > 0 && <li class="quiet">{users.length ? `and ${guests}` : guests}</li>}
          {partial && <li class="quiet">Others may be here who cannot be seen just now.</li>}
        </ul>
      )}
    </Popover>
  );
}
