// uWebSockets.js: its own topics, publish(), and pings.
import { createRequire } from "node:module";
import { heartbeat, listening } from "./common.mjs";

// The addon itself: the package's own entry falls back to a slower server where the addon does not load.
const addon = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
const uws = createRequire(import.meta.url)(`@trufflesuite/uws-js-unofficial/binaries/${addon}`);

const app = uws.App();
app.ws("/*", {
  compression: uws.DISABLED,
  // It pings eight seconds before the time-out, or four before a short one.
  idleTimeout: heartbeat + (heartbeat < 16 ? 4 : 8),
  sendPingsAutomatically: true,
  maxBackpressure: 64 << 20,
  upgrade(response, request, context) {
    const data = { publishes: request.getUrl() === "/publish", room: request.getQuery("room") };
    response.upgrade(
      data,
      request.getHeader("sec-websocket-key"),
      request.getHeader("sec-websocket-protocol"),
      request.getHeader("sec-websocket-extensions"),
      context,
    );
  },
  open(socket) {
    const { publishes, room } = socket.getUserData();
    if (!publishes) socket.subscribe(room);
  },
  message(socket, bytes) {
    if (!socket.getUserData().publishes) return;
    const text = Buffer.from(bytes).toString();
    const end = text.indexOf("\n");
    app.publish(text.slice(0, end), text.slice(end + 1), false);
  },
});
app.listen("127.0.0.1", 0, (token) => {
  if (!token) process.exit(1);
  listening(uws.us_socket_local_port(token));
});
