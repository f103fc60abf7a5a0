import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { asBelfryError, type BelfryError } from "../../src/errors.js";
import { useApp } from "./app.js";
import { useSecondsUntil } from "./time.js";
import { fieldError, sentence } from "./words.js";

interface AuthPanelProps {
  onDone(): void;
  onCancel(): void;
}

/** Signing in, or up, where one stands. */
export function AuthPanel({ onCancel, onDone }: AuthPanelProps) {
  const { session } = useApp();
  const [isNew, setNew] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<BelfryError | null>(null);
  const [notBefore, setNotBefore] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  const wait = useSecondsUntil(notBefore);
  const id = useId();

  useLayoutEffect(() => form.current?.querySelector("input")?.focus(), [isNew]);

  const submit = async () => {
    if (busy || wait) return;
    const field = (name: string) => String(new FormData(form.current!).get(name) ?? "");
    const credentials = { email: field("email").trim(), password: field("password") };
    setBusy(true);
    setError(null);
    try {
      if (isNew) await session.register({ ...credentials, name: field("name").trim() });
      else await session.login(credentials);
      onDone();
    } catch (thrown) {
      const error = asBelfryError(thrown);
      setError(error);
      setNotBefore(Date.now() + (error.retryAfterMs ?? 0));
      setBusy(false);
    }
  };

  return (
    <form
      class="panel"
      ref={form}
      aria-labelledby={`${id}-title`}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
      onKeyDown={(event) => event.key === "Escape" && onCancel()}
    >
      <h2 id={`${id}-title`}>{isNew ? "Create an account" : "Sign in"}</h2>
      {isNew && <Field name="name" label="Name" autoComplete="name" maxLength={60} error={error} />}
      <Field name="email" label="Email" type="email" autoComplete="username" error={error} />
      <Field
        name="password"
        label="Password"
        type="password"
        autoComplete={isNew ? "new-password" : "current-password"}
        error={error}
      />
      <p class="problem" role="alert">
        {error && describe(error, isNew)}
      </p>
      {wait > 0 && <p class="problem number">You can try again in {wait} s.</p>}
      <div class="row">
        <button type="submit" class="primary" disabled={busy || wait > 0}>
          {busy ? "One moment…" : isNew ? "Create account" : "Sign in"}
        </button>
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <button
          type="button"
          class="link"
          onClick={() => {
            setError(null);
            setNew(!isNew);
          }}
        >
          {isNew ? "I have an account" : "I am new here"}
        </button>
      </div>
    </form>
  );
}

const FIELDS = ["name", "email", "password"];

interface FieldProps {
  name: string;
  label: string;
  error: BelfryError | null;
  type?: "text" | "email" | "password";
  autoComplete: string;
  maxLength?: number;
}

function Field({ error, label, name, ...input }: FieldProps) {
  const id = useId();
  const problem = error?.code === "unprocessable" ? fieldError(error, name) : undefined;
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        required
        {...(input as object)}
        aria-invalid={!!problem}
        aria-describedby={`${id}-problem`}
      />
      <span class="problem" id={`${id}-problem`}>
        {problem}
      </span>
    </p>
  );
}

function describe(error: BelfryError, isNew: boolean): string {
  if (error.code === "rate_limited") return "Too many attempts.";
  // What is wrong with a field stands at the field.
  if (error.code === "unprocessable" && FIELDS.some((name) => fieldError(error, name))) return "";
  if (error.code === "unauthenticated") return "This email and password do not go together.";
  if (error.code === "conflict" && isNew) return "There is an account with this email already. Sign in instead.";
  if (error.code === "forbidden") return isNew ? sentence(error, true) : "This account is suspended.";
  return sentence(error);
}
