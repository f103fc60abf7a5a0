// What a run is told by its environment: where Belfry is, who may write there, and how much of everything.

/** Where Belfry is: one address, or several instances with commas between. */
const URLS = (__ENV.BELFRY_URL || "http://127.0.0.1:8080").split(",").map((url) => url.replace(/\/+$/, ""));

/** A file of access tokens, one a line (`belfry token --name Load --count N`). Without it people are signed up. */
export const TOKENS = __ENV.BELFRY_TOKENS || "";

/** What back ends publish and notify with; scripts leave that out, and say so, where it is missing. */
export const API_KEY = __ENV.BELFRY_API_KEY || "";

/** Where each instance tells its metrics, with commas between; only the soak reads them. */
export const METRICS = (__ENV.BELFRY_METRICS || "").split(",").filter(Boolean);

/** Folder for a row of the table that a run of all scripts ends with. */
export const RESULTS = __ENV.RESULTS || "";

/** How many instances there are. */
export const INSTANCES = URLS.length;

/** The instance that the nth of something talks to. */
export const instance = (n) => URLS[n % URLS.length];

/** The same, for a socket. */
export const socketUrl = (n, path) => instance(n).replace(/^http/, "ws") + path;

/** A size: from the environment, else as given. */
export const number = (name, usual) => {
  const value = Number(__ENV[name] || usual);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} is no number: ${__ENV[name]}`);
  return value;
};

/** A time in milliseconds: from the environment as `250ms`, `30s` or `2m`, else as given. */
export const time = (name, usual) => {
  const text = __ENV[name] || usual;
  const [, count, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) || [];
  if (!unit) throw new Error(`${name} is no time: ${text}`);
  return Number(count) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit];
};
