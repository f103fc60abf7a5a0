import { createContext } from "preact";
import { useContext, useLayoutEffect, useReducer } from "preact/hooks";
import type { Inbox } from "../../src/inbox.js";
import type { Client, Off, Rest, Session, User } from "../../src/index.js";

// Preact, because a list that is merged live needs keyed updates which leave focus, text fields and scroll position
// alone; by hand that is most of what Preact is, and it is 5 KB.

/** What every part of the interface works with. */
export interface App {
  client: Client;
  rest: Rest;
  session: Session;
  inbox: Inbox;
}

export const AppContext = createContext<App>(null as never);

export const useApp = (): App => useContext(AppContext);

/** Renders again at each call of what `listen` was given. */
export function useChanges(listen: (changed: () => void) => Off, inputs: unknown[] = []): void {
  const [, changed] = useReducer((n: number) => n + 1, 0);
  // With the layout, not after the paint: nothing may change unheard in between.
  useLayoutEffect(() => listen(() => changed(undefined as never)), inputs);
}

/** Who is signed in; undefined while that is being found out. */
export function useUser(): User | null | undefined {
  const { session } = useApp();
  useChanges((changed) => session.on("user", changed), [session]);
  return session.user;
}

/**
 * Keeps the socket signed in as whoever the session says. Signed out from elsewhere, the page goes on as nobody: reading
 * needs no one.
 */
export function joinSessionAndClient({ client, session }: App): void {
  // Refused as this person: the refresh tells whether the session is over or the person banned.
  const goOnAsNobody = async () => {
    await session.token({ fresh: true }).catch(() => null);
    session.forget();
    await client.reauthenticate();
  };
  let tried: number | null | undefined;
  const compare = () => {
    if (session.user === undefined || client.state.status !== "connected") return;
    const wanted = session.user?.id ?? null;
    if (wanted === (client.user?.id ?? null)) tried = undefined;
    else if (wanted !== tried) {
      // Once only: a server that sees it otherwise is not argued with.
      tried = wanted;
      void client.reauthenticate();
    }
  };
  session.on("user", compare);
  client.on("user", compare);
  client.on("state", ({ code, status }) => {
    if (status === "closed" && code === 4403) void goOnAsNobody();
  });
}

/** Whether this person may delete what others wrote, and change any post. */
export const isModerator = (user: User | null | undefined): boolean =>
  user?.role === "moderator" || user?.role === "admin";
