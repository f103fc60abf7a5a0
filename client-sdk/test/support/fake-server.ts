// A stand-in for the server: the fake hub behind HTTP and WebSocket, started like the real one
// (`serve`, BELFRY_LISTEN, BELFRY_DATA). For work on the page, never for production.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { WebSocketServer, type RawData } from "ws";
import { jsonCodec } from "../../src/codec.js";
import { msgpackCodec } from "../../src/msgpack.js";
import type { ClientMessage } from "../../src/protocol.js";
import { FakeHub } from "./fake-hub.js";
import { handleRest } from "./fake-rest.js";

const site = new URL("../site/", import.meta.url).pathname;
const folder = process.env.BELFRY_DATA ?? "data";
const file = join(folder, "fake.json");
const [host = "127.0.0.1", port = "8080"] = (process.env.BELFRY_LISTEN ?? "127.0.0.1:8080").split(":");

const hub = new FakeHub();
mkdirSync(folder, { recursive: true });
if (existsSync(file)) hub.data = { ...hub.data, ...JSON.parse(readFileSync(file, "utf8")) };
hub.changed = () => {
  writeFileSync(`${file}.new`, JSON.stringify(hub.data));
  renameSync(`${file}.new`, file);
};
setInterval(() => hub.broadcast({ type: "heartbeat" }), hub.heartbeatMs).unref();

if (process.env.BELFRY_RATE_LIMITS !== "off") {
  const written = new Map<number, number>();
  hub.intercept = (socket, { id, type }) => {
    if (type !== "comment.create" || !socket.user) return false;
    const count = (written.get(socket.user.id) ?? 0) + 1;
    written.set(socket.user.id, count);
    if (count <= 10) return false;
    socket.send({ type: "error", id, error: { code: "rate_limited", detail: "Slower.", retry_after_ms: 6_000 } });
    return true;
  };
}

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

const CSP =
  "default-src 'self'; style-src 'self'; img-src 'self' https: data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";

const server = createServer((request, response) => {
  const { method = "GET", url = "/" } = request;
  if (url.startsWith("/api/")) {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      const headers = request.headers as Record<string, string>;
      const answer = handleRest(hub, { method, url, headers, body });
      response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
      response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
    });
    return;
  }
  const path = new URL(url, "http://hub").pathname;
  const name = path.startsWith("/assets/")
    ? normalize(path)
    : path === "/" || /^\/posts\/\d+$/.test(path)
      ? "/index.html"
      : "";
  if (!name || !existsSync(join(site, name))) return void response.writeHead(404).end();
  response.writeHead(200, { "content-type": types[extname(name)] ?? "text/plain", "content-security-policy": CSP });
  response.end(readFileSync(join(site, name)));
});

const sockets = new WebSocketServer({
  server,
  path: "/ws",
  handleProtocols: (offered) =>
    [jsonCodec, msgpackCodec].find(({ protocol }) => offered.has(protocol))?.protocol ?? false,
});
sockets.on("connection", (socket) => {
  const codec = socket.protocol === msgpackCodec.protocol ? msgpackCodec : jsonCodec;
  const hubSide = hub.accept({
    send: (message) => socket.send(codec.encode(message)),
    close: (code, reason) => socket.close(code, reason),
  });
  socket.on("message", (data: RawData, binary) => {
    const frame = binary ? new Uint8Array(data as Buffer).buffer : String(data);
    hub.receive(hubSide, codec.decode(frame) as ClientMessage);
  });
  socket.on("close", () => hub.gone(hubSide));
});

server.listen(Number(port), host, () => {
  const { port } = server.address() as { port: number };
  console.log(`listening on http://${host}:${port}`);
});
