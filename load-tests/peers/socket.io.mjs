// Socket.IO: WebSocket only, no compression, rooms as they come.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { heartbeat, listening } from "./common.mjs";

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
  pingInterval: heartbeat * 1_000,
  pingTimeout: 60_000,
});

io.on("connection", (socket) => {
  const { room } = socket.handshake.query;
  if (room) socket.join(room);
  socket.on("publish", (to, message) => io.to(to).emit("m", message));
});

http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => listening(http.address().port));
