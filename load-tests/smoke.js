// Is it all there? Every way in and every command once, over both codecs; what is wrong is named. One user, some
// seconds.
import { API_KEY } from "./lib/env.js";
import { expect, expectAll, run, soon } from "./lib/cases.js";
import { Follower } from "./lib/follower.js";
import { plan } from "./lib/plan.js";
import { settle } from "./lib/readers.js";
import { ask } from "./lib/rest.js";
import { ADA, BOB, Ear, next, refused, Stage } from "./lib/stage.js";
import { opened, vu } from "./lib/vu.js";
import { userOf, world } from "./lib/world.js";

const joins = (codec) => async (stage) => {
  const socket = await opened("/ws", { codec });
  const { user, subscriptions } = await socket.connect({ follow: [stage.ear()] });
  expect("nobody is signed in", user === null && subscriptions.length === 1);
};

const watches = (codec) => async (stage) => {
  const socket = await opened(`/ws/posts/${stage.post}/live`, { codec });
  const { recovered, seq, head } = await socket.follows(stage.ear());
  expect("it begins at the head", !recovered && seq === head);
};

const rings = (codec) => async (stage) => {
  const token = stage.tokens[ADA];
  const ear = new Ear(`user:${userOf(token)}`);
  const socket = await opened("/ws/notifications", { codec });
  const { unread } = await soon("subscribed", socket.follows(ear, token));
  expect("unread is told", Number.isInteger(unread));
  stage.bells.push(ear);
};

const ways = {
  "the settings for clients are told": () => {
    const { heartbeat_ms, version } = ask("GET", "/config");
    expect("heartbeat and version", heartbeat_ms > 0 && version);
  },
  "the multiplexed socket opens with JSON": joins("json"),
  "the multiplexed socket opens with MessagePack": joins("msgpack"),
  "a post's own socket opens with JSON": watches("json"),
  "a post's own socket opens with MessagePack": watches("msgpack"),
  "the notification socket opens with JSON": rings("json"),
  "the notification socket opens with MessagePack": rings("msgpack"),
  "a token in the upgrade's header signs in": async ({ tokens }) => {
    const socket = await opened("/ws", { token: tokens[BOB] });
    const { channel } = await socket.ask({ type: "subscribe", channel: "me" });
    expect("it is the token's person", channel === `user:${userOf(tokens[BOB])}`);
  },
  "a token in connect signs in": async (stage) => {
    const token = stage.tokens[ADA];
    stage.ada = await opened("/ws", { codec: "msgpack" });
    const { user } = await stage.ada.connect({ token, follow: [stage.ear()], presence: true });
    expect("it is the token's person", user.id === userOf(token));
    stage.bob = await opened("/ws");
    await stage.bob.connect({ token: stage.tokens[BOB], follow: [stage.ear()] });
  },
  "a bad token is refused, and the socket closed": async () => {
    const socket = await opened("/ws");
    socket.onCut = () => {};
    await refused(socket.connect({ token: "nobody" }), "unauthenticated");
    expect("4401", (await soon("the close", socket.closed)) === 4401);
  },
  "a post that is not there closes its socket": async () => {
    const path = "/ws/posts/9007199254740991/live";
    const ended = opened(path).then(
      (socket) => {
        socket.onCut = () => {};
        // It is told why, first.
        socket.follows(new Follower("post:9007199254740991")).catch(() => {});
        return socket.closed;
      },
      ({ code }) => code,
    );
    expect("4404", (await soon("the close", ended)) === 4404);
  },
};

const commands = {
  "ping is answered": async ({ ada }) => expect("pong", (await ada.ask({ type: "ping" })).type === "pong"),
  "a comment reaches every reader": async (stage) => {
    const command = {
      type: "comment.create",
      post_id: stage.post,
      body: "Grüße an **alle** 🎉",
      key: `k-${Date.now()}`,
    };
    const { data } = await stage.ada.ask(command);
    stage.comment = data.id;
    const heard = await stage.all("comment.created", ({ comment }) => comment.id === data.id);
    expectAll("word for word", heard, ({ comment }) => comment.body === command.body);
    expectAll("with its key", heard, ({ comment }) => comment.key === command.key);
    const again = await stage.ada.ask(command);
    expect("the same key, the same comment", again.data.id === data.id && again.data.seq === data.seq);
  },
  "a reply over REST reaches every reader": async (stage) => {
    const body = { body: "An answer.", parent_id: stage.comment };
    stage.reply = ask("POST", `/posts/${stage.post}/comments`, { token: stage.tokens[BOB], body }).id;
    const heard = await stage.all("comment.created", ({ comment }) => comment.id === stage.reply);
    expectAll("the parent's count", heard, ({ parent }) => parent.reply_count === 1);
  },
  "a reaction reaches every reader": async (stage) => {
    const { data } = await stage.bob.ask({ type: "comment.react", comment_id: stage.comment, emoji: "👍", on: true });
    expect("it is one's own", data.my_reactions.includes("👍"));
    const heard = await stage.all("comment.reacted", ({ comment_id }) => comment_id === stage.comment);
    expectAll("one thumb", heard, ({ reactions }) => reactions["👍"] === 1);
  },
  "an edit reaches every reader": async (stage) => {
    await stage.ada.ask({ type: "comment.edit", comment_id: stage.comment, body: "Changed." });
    await stage.all("comment.updated", ({ comment }) => comment.body === "Changed.");
  },
  "somebody else's comment is not edited": ({ ada, reply }) =>
    refused(ada.ask({ type: "comment.edit", comment_id: reply, body: "Mine." }), "forbidden"),
  "who writes is seen": async (stage) => {
    const seen = next(stage.ada, "typing");
    stage.bob.tell({ type: "typing", channel: stage.channel });
    expect(
      "it is Bob",
      (await seen).users.some(({ id }) => id === userOf(stage.tokens[BOB])),
    );
  },
  "a signal reaches the others": async (stage) => {
    const seen = next(stage.ada, "signal");
    stage.bob.tell({ type: "signal", channel: stage.channel, data: { x: -3, y: 0.5 } });
    expect("as it was sent", JSON.stringify((await seen).data) === '{"x":-3,"y":0.5}');
  },
  "who comes is seen": async (stage) => {
    const seen = next(stage.ada, "presence");
    const socket = await opened("/ws");
    await socket.connect({ token: stage.tokens[BOB], follow: [new Follower(stage.channel)], presence: true });
    const { users = [], joined = [] } = await seen;
    expect(
      "it is Bob",
      [...users, ...joined].some(({ id }) => id === userOf(stage.tokens[BOB])),
    );
    await socket.close();
  },
  "the bell rings on every socket and falls silent when it was read": async ({ bells, reply, tokens }) => {
    const about = ({ notification }) => notification.comment_id === reply;
    const [{ unread }] = await Promise.all(bells.map((bell) => bell.hears("notification.created", about)));
    expect("one at least is unread", unread >= 1);
    ask("POST", "/notifications/read", { token: tokens[ADA], body: { all: true } });
    const read = await Promise.all(bells.map((bell) => bell.hears("notifications.read")));
    expectAll("none is unread", read, ({ unread }) => unread === 0);
  },
  "what was missed is replayed": async (stage) => {
    const [early] = stage.ears;
    const late = new Ear(stage.channel).from({ epoch: early.epoch, seq: early.start });
    const socket = await opened("/ws", { codec: "msgpack" });
    await socket.connect({ follow: [late] });
    expect("it is recovered", late.recovered && (await late.reaches(early.last, 5000)));
    stage.ears.push(late);
  },
  "another epoch is not replayed": async (stage) => {
    const lost = new Ear(stage.channel).from({ epoch: "of-another-log", seq: 1 });
    const socket = await opened("/ws");
    await socket.connect({ follow: [lost] });
    expect("it begins anew", !lost.recovered && lost.last >= stage.ears[0].last);
  },
  "what belongs to somebody else is not followed": ({ ada, tokens }) =>
    refused(ada.subscribe(new Follower(`user:${userOf(tokens[BOB])}`)), "forbidden"),
  "an unknown command and nonsense close nothing": async ({ bob }) => {
    await refused(bob.ask({ type: "somersault" }), "bad_request");
    const seen = next(bob, "error");
    bob.raw("{");
    expect("it has no id", (await seen).id === undefined);
    await bob.ask({ type: "ping" });
  },
  "a fresh token is taken without a new socket": async ({ bob, tokens }) => {
    const { data } = await bob.ask({ type: "refresh", token: tokens[BOB] });
    expect("it tells until when", Date.parse(data.expires_at) > Date.now());
  },
  "a room is entered later, and left": async (stage) => {
    const socket = await opened("/ws", { codec: "msgpack" });
    await socket.connect();
    const passing = new Ear(stage.channel);
    await socket.subscribe(passing);
    const says = (body) => stage.bob.ask({ type: "comment.create", post_id: stage.post, body });
    const { data } = await says("Who is there?");
    await passing.hears("comment.created", ({ comment }) => comment.id === data.id);
    await socket.unsubscribe(passing);
    const { data: later } = await says("Who is there still?");
    await stage.all("comment.created", ({ comment }) => comment.id === later.id);
    await socket.ask({ type: "ping" });
    expect("it hears no more", passing.last === data.seq);
  },
  "what was marked as read is": async ({ ada, bells }) => {
    const { data } = await ada.ask({ type: "notifications.read", all: true });
    expect("none is unread", data.unread === 0);
    for (const bell of bells) expect("every socket knows", await bell.reaches(data.seq, 5000));
  },
  "a deletion reaches every reader": async (stage) => {
    await stage.bob.ask({ type: "comment.delete", comment_id: stage.reply });
    const heard = await stage.all("comment.deleted", ({ comment }) => comment.id === stage.reply);
    expectAll("nothing is left of it", heard, ({ comment }) => comment.body === "" && comment.author === null);
  },
};

const backends = {
  "a back end's event reaches every reader": async (stage) => {
    const body = { channel: stage.channel, kind: "custom.smoke", data: { n: 7 } };
    const { seq } = ask("POST", "/publish", { token: API_KEY, body });
    expect("a place in the log", seq > 0);
    await stage.all("custom.smoke", ({ n }) => n === 7);
  },
  "a back end's notice reaches the person": async ({ bells, tokens }) => {
    const body = { user_ids: [userOf(tokens[ADA])], kind: "smoke.test", title: "It burns" };
    const { accepted } = ask("POST", "/notify", { token: API_KEY, body });
    expect("one person", accepted === 1);
    await Promise.all(
      bells.map((bell) => bell.hears("notification.created", ({ notification: n }) => n.title === "It burns")),
    );
  },
};

const end = {
  "everybody has the whole log, in its order": async ({ channel, ears, bob }) => {
    await bob.ask({ type: "ping" });
    await settle(channel, ears);
  },
};

const cases = { ...ways, ...commands, ...(API_KEY ? backends : {}), ...end };

export const options = plan(0, { smoke: 1 }, { passed: [`count==${Object.keys(cases).length}`], failed: ["count==0"] });

export const setup = () => world(2, 1);

export const smoke = vu(async (world) => run(cases, new Stage(world)));

/** As other runners of the tests say it; a threshold that was crossed is one more that failed. */
export const handleSummary = ({ metrics }) => {
  const count = (name) => metrics[name]?.values.count ?? 0;
  const crossed = Object.entries(metrics).filter(([, { thresholds = {} }]) =>
    Object.values(thresholds).some(({ ok }) => !ok),
  );
  const rest = crossed.filter(([name]) => !["passed", "failed"].includes(name));
  const unseen = Object.keys(cases).length - count("passed") - count("failed");
  const bad = count("failed") + unseen + rest.length;
  const lines = rest.map(([name, { values }]) => `k6: ${name}: ${JSON.stringify(values)}\n`);
  if (!API_KEY) lines.push("k6: what only back ends can do was left out: there is no BELFRY_API_KEY\n");
  if (bad) lines.push(`k6: ${bad} cases failed\n`);
  return { stdout: `${lines.join("")}k6: ${count("passed")} cases passed\n` };
};
