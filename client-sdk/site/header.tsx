import { useState } from "preact/hooks";
import { asBelfryError, type BelfryError } from "../src/errors.js";
import type { User } from "../src/index.js";
import { useApp, useUser } from "../ui/base/app.js";
import { AuthPanel } from "../ui/base/auth-panel.js";
import { Popover } from "../ui/base/popover.js";
import { sentence } from "../ui/base/words.js";
import { Bell } from "../ui/inbox/bell.js";
import { Avatar } from "../ui/people/avatar.js";
import { ThemeSwitch } from "./theme-switch.js";

export function Header() {
  const user = useUser();
  const { ended } = useApp().session;
  const [open, setOpen] = useState(false);
  return (
    <header class="top">
      <div>
        <div class="row">
          <a class="brand" href="/">
            <img src={document.querySelector<HTMLLinkElement>("link[rel=icon]")!.href} alt="" />
            Belfry
          </a>
          <span class="space" />
          <ThemeSwitch />
          {user ? (
            <>
              <Bell user={user} />
              <AccountMenu user={user} />
            </>
          ) : (
            <button type="button" aria-expanded={open} disabled={user === undefined} onClick={() => setOpen(!open)}>
              Sign in
            </button>
          )}
        </div>
        {!user && ended && (
          <p class="note-bar" role="status">
            {ended === "forbidden"
              ? "Your account is suspended. You can go on reading, but not write."
              : "You were signed out. What you have typed is kept."}
          </p>
        )}
        {open && !user && <AuthPanel onCancel={() => setOpen(false)} onDone={() => setOpen(false)} />}
      </div>
    </header>
  );
}

function AccountMenu({ user }: { user: User }) {
  const { session } = useApp();
  const [error, setError] = useState<BelfryError | null>(null);
  const signOut = () => {
    setError(null);
    session.logout().catch((thrown) => setError(asBelfryError(thrown)));
  };
  return (
    <Popover
      label="Your account"
      buttonLabel={`Your account, ${user.name}`}
      buttonClass="plain round"
      panelClass="account"
      align="end"
      button={<Avatar person={user} />}
    >
      {() => (
        <>
          <p>
            <bdi class="name">{user.name}</bdi>
            <br />
            <span class="quiet">
              @{user.handle}
              {user.role !== "user" && ` · ${user.role}`}
            </span>
          </p>
          <button type="button" class="plain" onClick={signOut}>
            Sign out
          </button>
          {error && (
            <p class="problem" role="alert">
              {sentence(error)} You are still signed in.
            </p>
          )}
        </>
      )}
    </Popover>
  );
}
