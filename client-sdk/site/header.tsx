import { useState } from "preact/hooks";
import { asBelfryError, type BelfryError } from "../src/errors.js";
import { useApp, useUser } from "../ui/base/app.js";
import { AuthPanel } from "../ui/base/auth-panel.js";
import { Avatar } from "../ui/people/avatar.js";
import { sentence } from "../ui/base/words.js";

export function Header() {
  const { session } = useApp();
  const user = useUser();
  const [open, setOpen] = useState(false);
  const [error, setError] = useState<BelfryError | null>(null);
  const signOut = () => {
    setError(null);
    session.logout().catch((thrown) => setError(asBelfryError(thrown)));
  };
  return (
    <header class="top">
      <div class="row">
        <a class="brand" href="/">
          Belfry
        </a>
        <span class="space" />
        {user ? (
          <>
            <Avatar person={user} />
            <bdi class="name">{user.name}</bdi>
            <button type="button" onClick={signOut}>
              Sign out
            </button>
          </>
        ) : (
          <button type="button" aria-expanded={open} disabled={user === undefined} onClick={() => setOpen(!open)}>
            Sign in
          </button>
        )}
      </div>
      {error && (
        <p class="problem" role="alert">
          {sentence(error)} You are still signed in.
        </p>
      )}
      {open && !user && <AuthPanel onCancel={() => setOpen(false)} onDone={() => setOpen(false)} />}
    </header>
  );
}
