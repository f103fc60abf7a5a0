// What the servers share.

/** Seconds between two heartbeats of a socket. */
export const heartbeat = Number(process.env.HEARTBEAT_SECONDS ?? 25);

/** Tells the kit where the server is. */
export function listening(port) {
  console.log(`listening on http://127.0.0.1:${port}`);
}
