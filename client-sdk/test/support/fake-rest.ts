import { face, Refusal, refuse, type Account } from "./fake-data.js";
import type { FakeHub } from "./fake-hub.js";
import { listComments, listNotifications, listPeople, listPosts } from "./fake-lists.js";

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

function route(hub: FakeHub, request: RestRequest): RestAnswer {
  const url = new URL(request.url, "http://hub");
  const [, noun = "", id = "", part = "", last = ""] = url.pathname.replace("/api/v1", "").split("/");
  const body = request.body ? JSON.parse(request.body) : {};
  const bearer = request.headers.authorization?.replace("Bearer ", "");
  const user = hub.userOf(bearer);
  if (bearer && !user) refuse("unauthenticated", 401);
  const signedIn = (): Account => user ?? refuse("unauthenticated", 401);
  const moderator = (): void => {
    if (signedIn().role === "user") refuse("forbidden", 403);
  };
  const shownId = /^\d+$/.test(id) ? "/{id}" : id && `/${id}`;
  const name = `${request.method} /${noun}${shownId}${part && `/${part}`}${last && "/{last}"}`;
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
      return { status: 200, body: listPosts(hub, url) };
    case "POST /posts": {
      const { body: text, tags, title } = body;
      return { status: 201, body: withPosition(hub, hub.addPost(signedIn(), title, text, tags)) };
    }
    case "PUT /posts/by-key": {
      const { made, post } = hub.postByKey(body.page_key, body.title, body.url ?? null);
      return { status: made ? 201 : 200, body: withPosition(hub, post) };
    }
    case "GET /posts/{id}":
      return { status: 200, body: withPosition(hub, hub.post(Number(id))) };
    case "PATCH /posts/{id}":
      return { status: 200, body: withPosition(hub, hub.editPost(signedIn(), Number(id), body)) };
    case "GET /posts/{id}/people":
      return { status: 200, body: listPeople(hub, url, Number(id)) };
    case "GET /posts/{id}/comments":
      return { status: 200, body: listComments(hub, url, Number(id), user) };
    case "POST /posts/{id}/comments": {
      const author = signedIn();
      const comment = hub.addComment(author, Number(id), body.body, body.parent_id ?? null, body.key ?? null);
      return { status: 201, body: hub.shown(comment, author) };
    }
    case "GET /comments/{id}":
      return { status: 200, body: { ...hub.shown(hub.comment(Number(id)), user), epoch: hub.data.epoch } };
    case "PUT /comments/{id}/reactions/{last}":
    case "DELETE /comments/{id}/reactions/{last}":
      return {
        status: 200,
        body: hub.react(signedIn(), Number(id), decodeURIComponent(last), request.method === "PUT"),
      };
    case "GET /notifications":
      return { status: 200, body: listNotifications(hub, url, signedIn()) };
    case "POST /notifications/read":
      return { status: 200, body: hub.readNotifications(signedIn().id, body) };
    case "DELETE /notifications/{id}":
      hub.dismissNotification(signedIn().id, Number(id));
      return { status: 204 };
    case "GET /bans": {
      moderator();
      const banned = hub.data.users.filter((one) => one.banned);
      const items = banned.map((one) => ({ user: face(one), ...one.banned, by: null, created_at: hub.time() }));
      return { status: 200, body: { items, next_cursor: null } };
    }
    case "PUT /users/{id}/ban":
    case "DELETE /users/{id}/ban": {
      moderator();
      const person = hub.data.users.find((one) => one.id === Number(id)) ?? refuse("not_found", 404);
      if (request.method === "DELETE") delete person.banned;
      else hub.ban(person, { until: body.until ?? null, reason: body.reason ?? null });
      return { status: 204 };
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
