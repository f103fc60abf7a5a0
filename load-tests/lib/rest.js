// REST: what is no 2xx counts as a fault.
import http from "k6/http";
import { instance } from "./env.js";
import { fault } from "./metrics.js";

const request = (method, path, { n = 0, token, body, key } = {}) => {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (key) headers["Idempotency-Key"] = key;
  // A name without ids: k6 keeps figures for each.
  const name = `${method} ${path.split("?")[0].replace(/\d+/g, "{id}")}`;
  const url = `${instance(n)}/api/v1${path}`;
  return [method, url, body === undefined ? null : JSON.stringify(body), { headers, tags: { name } }];
};

const read = ({ status, body, error }, [method, url]) => {
  if (status >= 200 && status < 300) return status === 204 ? null : JSON.parse(body);
  fault(`${method} is refused`, `${url}: ${status} ${error} ${body}`);
  throw new Error(`${method} ${url}: ${status}`);
};

/** Asks and waits; the sockets of this virtual user wait with it. */
export const ask = (method, path, options) => {
  const asked = request(method, path, options);
  return read(http.request(...asked), asked);
};

/** Asks and lets the sockets go on. */
export const asking = async (method, path, options) => {
  const asked = request(method, path, options);
  return read(await http.asyncRequest(...asked), asked);
};

/** Asks many things at once, and gives the answers in their order. */
export const askAll = (method, wishes) => {
  const asked = wishes.map(([path, options]) => request(method, path, options));
  const answers = http.batch(asked);
  return answers.map((answer, n) => read(answer, asked[n]));
};

/** The events of a channel after `since`, to its head. */
export const log = async (channel, since, token) => {
  const events = [];
  for (;;) {
    const path = `/channels/${channel}/events?since=${since + events.length}&limit=100`;
    const { items, seq } = await asking("GET", path, { token });
    events.push(...items);
    if (since + events.length >= seq || !items.length) return events;
  }
};
