// How a virtual user runs: it ends its sockets whatever happens, and counts as finished only when nothing did.
import exec from "k6/execution";
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

/** Wraps what a virtual user does with the world and with its number among those of its scenario, from 0. */
export const vu = (body) => async (world) => {
  try {
    await body(world, exec.scenario.iterationInTest);
    finished.add(1);
  } catch (error) {
    fault("a virtual user failed", error.stack || error);
  } finally {
    for (const socket of open) socket.close();
  }
};

/** What falls to one of so many when `count` things are dealt out; `turn` differs within one and among the first. */
export const deal = (count, parts, part) => {
  const own = Array.from({ length: count }, (_, n) => n).filter((n) => n % parts === part);
  return own.map((n) => ({ n, turn: part + (n - part) / parts }));
};

/** How many of one virtual user's come at the same time. */
const WIDTH = 8;

/** Runs something for each of what falls to one, and gives the results in their order. */
export const dealt = async (count, parts, part, run) => {
  const places = deal(count, parts, part);
  const rest = places.map((place, n) => [place, n]);
  const results = new Array(places.length);
  const lane = async () => {
    for (let next = rest.shift(); next; next = rest.shift()) results[next[1]] = await run(next[0]);
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
  return results;
};
