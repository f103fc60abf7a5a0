import assert from "node:assert/strict";
import { test } from "node:test";
import { World, rejected, settle } from "./support/world.js";

const bodies = (world: World) => world.hub.data.comments.map(({ body }) => body);

test("commands given before the connection stands are sent in order once it does", async () => {
  const world = new World();
  const { token } = world.hub.signIn(world.ada);
  const client = world.client({ token: async () => token });
  const postId = world.post.id;
  const written = ["one", "two", "three"].map((body) => client.createComment({ postId, body }));
  client.connect();
  await Promise.all(written);
  assert.deepEqual(bodies(world), ["one", "two", "three"]);
});

test("commands given while cut off wait, and resolve after the reconnect", async () => {
  const world = new World();
  const client = await world.connected();
  world.hub.down = true;
  world.hub.closeAll(1006);
  await settle();
  const comment = client.createComment({ postId: world.post.id, body: "from the tunnel" });
  await world.clock.advance(60_000);
  world.hub.down = false;
  await world.clock.advance(30_000);
  assert.equal((await comment).body, "from the tunnel");
});

test("a comment whose answer was lost is sent again with its key, and is one comment", async () => {
  const world = new World();
  const client = await world.connected();
  const keys: unknown[] = [];
  world.hub.intercept = (socket, message) => {
    if (message.type !== "comment.create") return false;
    keys.push(message.key);
    if (keys.length > 1) return false;
    world.hub.addComment(world.ada, message.post_id, message.body, null, message.key);
    world.hub.close(socket, 1006);
    return true;
  };
  const written = client.createComment({ postId: world.post.id, body: "once" });
  await world.clock.advance(1_000);
  assert.equal((await written).body, "once");
  assert.deepEqual(bodies(world), ["once"]);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
});

test("what was on its way is sent before what came later", async () => {
  const world = new World();
  const client = await world.connected();
  const postId = world.post.id;
  world.hub.intercept = (_, { type }) => type === "comment.create";
  const first = client.createComment({ postId, body: "first" });
  await settle();
  world.hub.intercept = null;
  world.hub.closeAll(1006);
  await settle();
  const second = client.createComment({ postId, body: "second" });
  await world.clock.advance(1_000);
  await Promise.all([first, second]);
  assert.deepEqual(bodies(world), ["first", "second"]);
});

test("more than the bound is refused, not dropped silently", async () => {
  const world = new World();
  const client = world.client({ maxWaiting: 2 });
  const postId = world.post.id;
  void client.createComment({ postId, body: "one" }).catch(() => {});
  void client.createComment({ postId, body: "two" }).catch(() => {});
  assert.equal((await rejected(client.createComment({ postId, body: "three" }))).code, "queue_full");
});

test("an answer makes room for another command", async () => {
  const world = new World();
  const client = await world.connected({ maxWaiting: 1 });
  const postId = world.post.id;
  await client.createComment({ postId, body: "one" });
  await client.createComment({ postId, body: "two" });
  assert.deepEqual(bodies(world), ["one", "two"]);
});

test("the server's error arrives with code, detail and delay", async () => {
  const world = new World();
  const client = await world.connected();
  world.hub.intercept = (socket, { id }) => {
    socket.send({ type: "error", id, error: { code: "rate_limited", detail: "Slower.", retry_after_ms: 1200 } });
    return true;
  };
  const error = await rejected(client.createComment({ postId: world.post.id, body: "again" }));
  assert.deepEqual(
    { ...error, message: error.message },
    { name: "BelfryError", code: "rate_limited", retryAfterMs: 1200, message: "Slower." },
  );
});

test("no answer in time is `timeout`; a late one meets nobody", async () => {
  const world = new World();
  const client = await world.connected();
  let asked = 0;
  world.hub.intercept = (_, { id }) => ((asked = id!), true);
  const failure = rejected(client.editComment(1, "?"));
  await world.clock.advance(10_000);
  assert.equal((await failure).code, "timeout");
  world.socket.send({ type: "reply", id: asked, data: {} });
  await settle();
});

test("what Ada left waiting is not sent as Bob", async () => {
  const world = new World();
  const bob = world.hub.addUser("Bob");
  let { token } = world.hub.signIn(world.ada);
  const client = await world.connected({ token: async () => token });
  world.hub.down = true;
  world.hub.closeAll(1006);
  await settle();
  const failure = rejected(client.createComment({ postId: world.post.id, body: "by Ada" }));
  token = world.hub.signIn(bob).token;
  world.hub.down = false;
  await world.clock.advance(5_000);
  assert.equal((await failure).code, "wrong_user");
  assert.deepEqual(bodies(world), []);
});

test("signals go out at once or not at all", async () => {
  const world = new World();
  const client = world.client();
  assert.equal(client.signal({ type: "typing", channel: world.channel }), false);
  client.connect();
  await settle();
  assert.equal(client.signal({ type: "typing", channel: world.channel }), true);
  await settle();
  assert.equal(world.received("typing").length, 1);
});
