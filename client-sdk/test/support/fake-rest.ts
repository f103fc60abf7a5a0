import type { Comment } from "../../src/protocol.js";
import { FakeHub, Refusal, face, type Account } from "./fake-hub.js";

export interface RestRequest {
  method: string;
  /** With the query. */
  url: string;
  headers: Record<string, string | undefined>;
  body: string;
}

export interface RestAnswer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

const COOKIE = "belfry_refresh";

/** The REST side of the fake hub. */
export function handleRest(hub: FakeHub, request: RestRequest): RestAnswer {
  try {
    return route(hub, request);
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    const { status, body } = thrown;
    return {
      status,
      body: { type: "about:blank", title: body.code, status, detail: body.detail, code: body.code, request_id: "r1" },
    };
  }
}

const refuse = (code: string, status: number, detail = code): never => {
  throw new Refusal({ code, detail }, status);
};

function route(hub: FakeHub, request: RestRequest): RestAnswer {
  const url = new URL(request.url, "http://hub");
  const [, noun = "", id = "", part = ""] = url.pathname.replace("/api/v1", "").split("/");
  const body = request.body ? JSON.parse(request.body) : {};
  const bearer = request.headers.authorization?.replace("Bearer ", "");
  const user = hub.userOf(bearer);
  if (bearer && !user) refuse("unauthenticated", 401);
  const signedIn = (): Account => user ?? refuse("unauthenticated", 401);
  const name = `${request.method} /${noun}${id && (noun === "auth" ? `/${id}` : "/{id}")}${part && `/${part}`}`;
  switch (name) {
    case "POST /auth/register":
      if (hub.data.users.some(({ email }) => email === body.email))
        refuse("conflict", 409, "This address is known already.");
      if (String(body.password).length < 8) {
        return {
          status: 422,
          body: {
            code: "unprocessable",
            status: 422,
            title: "Unprocessable",
            errors: [{ pointer: "/password", detail: "At least 8 characters." }],
          },
        };
      }
      return granted(hub, hub.addUser(body.name, body.email, body.password), hub.signIn({ id: hub.data.lastId }), 201);
    case "POST /auth/login": {
      const found = hub.data.users.find(({ email, password }) => email === body.email && password === body.password);
      if (!found) return refuse("unauthenticated", 401, "No such address and password.");
      return granted(hub, found, hub.signIn(found), 200);
    }
    case "POST /auth/refresh": {
      const cookie = cookieOf(request);
      const session = hub.data.refresh[cookie ?? ""];
      const known = session && hub.data.sessions[session];
      if (!known || known.ended) return refuse("unauthenticated", 401);
      const account = hub.data.users.find((one) => one.id === known.userId)!;
      return granted(hub, account, hub.issue(session), 200);
    }
    case "POST /auth/logout": {
      const session = bearer ? hub.data.tokens[bearer]!.session : hub.data.refresh[cookieOf(request) ?? ""];
      if (session) hub.endSession(session);
      return { status: 204, headers: { "set-cookie": `${COOKIE}=; Path=/api/v1/auth; Max-Age=0` } };
    }
    case "GET /config":
      return {
        status: 200,
        body: {
          origin_allowed: true,
          registration: true,
          heartbeat_ms: hub.heartbeatMs,
          max_comment_chars: 10_000,
          version: "fake",
        },
      };
    case "GET /posts":
      return { status: 200, body: paged(url, [...hub.data.posts].reverse(), (post, after) => post.id < after) };
    case "POST /posts":
      return { status: 201, body: withPosition(hub, hub.addPost(signedIn(), body.title, body.body)) };
    case "GET /posts/{id}":
      return { status: 200, body: withPosition(hub, hub.post(Number(id))) };
    case "POST /posts/{id}/comments":
      return {
        status: 201,
        body: hub.addComment(signedIn(), Number(id), body.body, body.parent_id ?? null, body.key ?? null),
      };
    case "GET /posts/{id}/comments": {
      const channel = `post:${hub.post(Number(id)).id}`;
      const all = hub.data.comments.filter((comment) => comment.post_id === Number(id));
      const page = paged<Comment>(url, all, (comment, after) => comment.id > after);
      return { status: 200, body: { ...page, epoch: hub.data.epoch, seq: hub.head(channel) } };
    }
  }
  return refuse("not_found", 404);
}

const cookieOf = (request: RestRequest): string | undefined =>
  new RegExp(`${COOKIE}=([^;]+)`).exec(request.headers.cookie ?? "")?.[1];

const withPosition = (hub: FakeHub, post: { id: number }) => ({
  ...post,
  epoch: hub.data.epoch,
  seq: hub.head(`post:${post.id}`),
});

function granted(
  hub: FakeHub,
  account: Account,
  tokens: { token: string; refreshToken: string },
  status: number,
): RestAnswer {
  return {
    status,
    body: {
      user: { ...face(account), role: account.role },
      access_token: tokens.token,
      expires_in: hub.tokenLifeMs / 1000,
    },
    headers: { "set-cookie": `${COOKIE}=${tokens.refreshToken}; Path=/api/v1/auth; HttpOnly; SameSite=Strict` },
  };
}

function paged<Item extends { id: number }>(url: URL, items: Item[], follows: (item: Item, after: number) => boolean) {
  const limit = Math.min(100, Number(url.searchParams.get("limit") ?? 20));
  const after = url.searchParams.get("cursor");
  const rest = after ? items.filter((item) => follows(item, Number(after))) : items;
  const page = rest.slice(0, limit);
  return { items: structuredClone(page), next_cursor: rest.length > limit ? String(page.at(-1)!.id) : null };
}

/** A `fetch` whose other end is the hub, with a cookie jar of its own. */
export function fakeFetch(hub: FakeHub): typeof fetch & { calls: string[] } {
  let cookie = "";
  const calls: string[] = [];
  const call = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    calls.push(`${init.method} ${String(input)}`);
    await Promise.resolve();
    if (hub.down) throw new TypeError("fetch failed");
    const headers = Object.fromEntries(new Headers(init.headers));
    const answer = handleRest(hub, {
      method: init.method ?? "GET",
      url: String(input),
      headers: { ...headers, cookie },
      body: (init.body as string) ?? "",
    });
    const set = answer.headers?.["set-cookie"];
    if (set) cookie = set.split(";")[0]!;
    return new Response(answer.body === undefined ? null : JSON.stringify(answer.body), {
      status: answer.status,
      headers: answer.headers,
    });
  };
  return Object.assign(call as typeof fetch, { calls });
}
