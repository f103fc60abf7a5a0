// ws: the broadcast and the broken-connection check of its own README, a set of sockets for each room.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { heartbeat, listening } from "./common.mjs";

const rooms = new Map();
const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });

server.on("connection", (socket, request) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  socket.alive = true;
  socket.on("pong", () => (socket.alive = true));
  if (pathname === "/publish") {
    socket.on("message", (bytes) => {
      const text = bytes.toString();
      const end = text.indexOf("\n");
      const message = text.slice(end + 1);
      for (const member of rooms.get(text.slice(0, end)) ?? []) member.send(message);
    });
    return;
  }
  const room = searchParams.get("room");
  if (!rooms.has(room)) rooms.set(room, new Set());
  rooms.get(room).add(socket);
  socket.on("close", () => rooms.get(room).delete(socket));
});

setInterval(() => {
  for (const socket of server.clients) {
    if (!socket.alive) socket.terminate();
    socket.alive = false;
    socket.ping();
  }
}, heartbeat * 1_000);

http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => listening(http.address().port));
