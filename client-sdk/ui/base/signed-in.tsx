import { useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { AuthPanel } from "./auth-panel.js";
import { useUser } from "./app.js";

interface SignedInProps {
  /** Right after signing in; to give the focus back to where the person was. */
  onSignedIn?(): void;
  /** What it is about; `submit` says whether somebody is signed in, and opens the panel if not. */
  children(submit: () => boolean, signedIn: boolean): ComponentChildren;
}

/** Something to do that needs a person: without one, they sign in right below it, and find it as they left it. */
export function SignedIn({ children, onSignedIn }: SignedInProps) {
  const user = useUser();
  const [open, setOpen] = useState(false);
  const check = () => {
    if (!user) setOpen(true);
    return !!user;
  };
  return (
    <>
      {children(check, !!user)}
      {open && !user && (
        <AuthPanel
          onCancel={() => setOpen(false)}
          onDone={() => {
            setOpen(false);
            onSignedIn?.();
          }}
        />
      )}
    </>
  );
}
