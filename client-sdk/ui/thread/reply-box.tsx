import { useRef } from "preact/hooks";
import { useUser } from "../base/app.js";
import { SignedIn } from "../base/signed-in.js";
import { Composer } from "../write/composer.js";
import { useThread } from "./thread-context.js";

interface ReplyBoxProps {
  /** What is answered; null for the thread itself. */
  parentId: number | null;
  draftName: string;
  label: string;
  placeholder: string;
  submitLabel: string;
  /** What the button says to who is not signed in. */
  signInLabel: string;
  autoFocus?: boolean;
  onSent?(): void;
  onLeave?(): void;
}

/** Where a comment is written. Who is not signed in finds the box all the same, and signs in below it. */
export function ReplyBox({
  autoFocus,
  draftName,
  label,
  onLeave,
  onSent,
  parentId,
  placeholder,
  ...labels
}: ReplyBoxProps) {
  const { thread } = useThread();
  const user = useUser();
  const box = useRef<HTMLTextAreaElement>(null);
  return (
    <SignedIn onSignedIn={() => box.current?.focus()}>
      {(check, signedIn) => (
        <Composer
          key={thread.boxVersion}
          boxRef={box}
          draftName={draftName}
          label={label}
          placeholder={placeholder}
          submitLabel={signedIn ? labels.submitLabel : labels.signInLabel}
          autoFocus={autoFocus}
          findPeople={thread.findPeople}
          onTyping={thread.typing}
          onLeave={onLeave}
          onSubmit={(text) => {
            if (!check() || !user) return false;
            thread.write(user, text, parentId);
            onSent?.();
          }}
        />
      )}
    </SignedIn>
  );
}
