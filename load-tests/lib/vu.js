// How a virtual user runs: it ends its sockets whatever happens, and counts as finished only when nothing did.
import { fault, finished } from "./metrics.js";
import { Socket } from "./socket.js";

const open = new Set();

/** Opens a socket that ends with the virtual user. */
export const opened = async (path, options) => {
  const socket = await Socket.open(path, options);
  open.add(socket);
  socket.closed.then(() => open.delete(socket));
  return socket;
};

/** Wraps what a virtual user does. */
export const vu = (body) => async (world) => {
  try {
    await body(world);
    finished.add(1);
  } catch (error) {
    fault("a virtual user failed", error.stack || error);
  } finally {
    for (const socket of open) socket.close();
  }
};

/** Runs something for each at once, at most `width` at a time. */
export const each = async (items, width, run) => {
  const rest = items.map((item, n) => [item, n]);
  const results = new Array(items.length);
  const lane = async () => {
    for (let next = rest.shift(); next; next = rest.shift()) results[next[1]] = await run(...next);
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
};

/** What falls to one of so many when `count` things are dealt out; `turn` differs within one and among the first. */
export const deal = (count, parts, part) => {
  const own = Array.from({ length: count }, (_, n) => n).filter((n) => n % parts === part);
  return own.map((n) => ({ n, turn: part + (n - part) / parts }));
};

/** A scenario of `vus` virtual users that run once. */
export const once = (exec, vus, seconds) => ({
  executor: "per-vu-iterations",
  exec,
  vus,
  iterations: 1,
  maxDuration: `${seconds}s`,
  gracefulStop: "1s",
});
