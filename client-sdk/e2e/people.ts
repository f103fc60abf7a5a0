import type { ServerProcess } from "../test/support/server-process.js";

const PASSWORD = "a long enough password";

export const emailOf = (name: string): string => `${name.toLowerCase().replaceAll(" ", ".")}@example.org`;

export const credentials = (name: string) => ({ email: emailOf(name), password: PASSWORD });

/** Somebody without a browser: what is there before a test begins, and what others do while it looks. */
export interface Someone {
  id: number;
  name: string;
  handle: string;
  call<Result>(method: string, path: string, body?: unknown): Promise<Result>;
  post(title: string, body: string, tags?: string[]): Promise<{ id: number; path: string }>;
  comment(postId: number, body: string, parentId?: number): Promise<number>;
  react(commentId: number, emoji: string): Promise<void>;
}

async function call<Result>(server: ServerProcess, token: string | null, method: string, path: string, body?: unknown) {
  const headers: Record<string, string> = body === undefined ? {} : { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
  const response = await fetch(`${server.url}/api/v1${path}`, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text ? JSON.parse(text) : undefined) as Result;
}

interface Granted {
  access_token: string;
  user: { id: number; handle: string };
}

/** A new account. */
export const someone = (server: ServerProcess, name: string): Promise<Someone> => enter(server, "register", name);

/** A new token, with what is true of the person by now. */
export const signInAgain = (server: ServerProcess, name: string): Promise<Someone> => enter(server, "login", name);

async function enter(server: ServerProcess, how: "register" | "login", name: string): Promise<Someone> {
  const account = { ...(how === "register" && { name }), ...credentials(name), session: "body" };
  const { access_token, user } = await call<Granted>(server, null, "POST", `/auth/${how}`, account);
  const own: Someone["call"] = (method, path, body) => call(server, access_token, method, path, body);
  return {
    id: user.id,
    handle: user.handle,
    name,
    call: own,
    async post(title, body, tags = []) {
      const { id } = await own<{ id: number }>("POST", "/posts", { title, body, tags });
      return { id, path: `/posts/${id}` };
    },
    async comment(postId, body, parentId) {
      const { id } = await own<{ id: number }>("POST", `/posts/${postId}/comments`, { body, parent_id: parentId });
      return id;
    },
    async react(commentId, emoji) {
      await own("PUT", `/comments/${commentId}/reactions/${encodeURIComponent(emoji)}`);
    },
  };
}
