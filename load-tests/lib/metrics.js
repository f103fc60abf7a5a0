// What every script counts. `CLEAN` is what a run must never see, whatever the load.
import { Counter, Trend } from "k6/metrics";
import { number } from "./env.js";

/** Time from an event's own stamp to its arrival at a socket that was following. Both clocks must agree. */
export const delivery = new Trend("delivery", true);
/** Time from a command to its answer. */
export const answer = new Trend("answer", true);
/** Time from opening a socket to having subscribed. */
export const joining = new Trend("joining", true);
/** Events that arrived, each at each socket, replayed ones included. */
export const delivered = new Counter("delivered");
/** Writes that were acknowledged. */
export const acknowledged = new Counter("acknowledged");
/** Virtual users that came to their end; one that fails on its way does not. */
export const finished = new Counter("finished");

/** Events that a socket did not get before a later one. */
export const gaps = new Counter("gaps");
/** Events that a socket got again. */
export const repeats = new Counter("repeats");
/** Events that had not come in the end though they are in the log. */
export const missing = new Counter("missing");
/** Events that are another in the log. */
export const differing = new Counter("differing");
/** Acknowledged writes that are not in the log. */
export const lost = new Counter("lost");
/** Times a socket was told to fetch anew. */
export const resyncs = new Counter("resyncs");
/** Sockets that ended though nobody here ended them. */
export const cuts = new Counter("cuts");
/** Anything else that is not as the protocol says: refusals, no answer, a second answer, nonsense. */
export const faults = new Counter("faults");
/** Frames that k6 itself lost, see `Socket.follows`; no fault of the server. */
export const unheard = new Counter("unheard");

const never = [gaps, repeats, missing, differing, lost, resyncs, cuts, faults];

/** Thresholds of what must not happen. */
export const CLEAN = Object.fromEntries(never.map((metric) => [metric.name, ["count==0"]]));

/** What 95 of 100 may take, in milliseconds. */
const P95 = number("P95", 500);

/** Thresholds of a time: 95 of 100 take at most `P95`, or so many times it, and there was one at all. */
export const within = (times = 1) => [`p(95)<${times * P95}`, "max>0"];

/** Told once each in a virtual user, so that a broken run can be read. */
const told = new Set();

/** Counts something that is not as it should be, and says what. */
export const fault = (what, detail = "") => {
  faults.add(1);
  if (told.has(what) || told.size > 20) return;
  told.add(what);
  console.error(`${what} ${detail}`);
};
