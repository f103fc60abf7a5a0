// What a script finds when it begins: people with tokens, and rooms.
import encoding from "k6/encoding";
import { TOKENS } from "./env.js";
import { ask, askAll } from "./rest.js";

const given = TOKENS ? open(TOKENS).trim().split("\n") : [];

const some = () => Math.floor(Math.random() * 1e12).toString(36);

/** Who an access token of Belfry belongs to. */
export const userOf = (token) => Number(JSON.parse(encoding.b64decode(token.split(".")[1], "rawurl", "s")).sub);

/** So many people: those of the file, or new ones, who are signed up and cost the server a password's hash each. */
const people = (count) => {
  if (given.length >= count) return given.slice(0, count);
  if (TOKENS) throw new Error(`${count} people are needed, and ${TOKENS} has ${given.length} tokens`);
  const signUp = () => {
    const name = `Load ${some()}`;
    const email = `${some()}${some()}@example.com`;
    return ["/auth/register", { body: { name, email, password: some() + some(), session: "body" } }];
  };
  return askAll("POST", Array.from({ length: count }, signUp)).map((session) => session.access_token);
};

/** For `setup`: tokens of people, and ids of so many new posts and of the lobby. */
export const world = (count, rooms) => {
  const tokens = people(Math.max(count, 1));
  const post = (title, token) => ask("POST", "/posts", { token, body: { title, body: "For a load test." } }).id;
  const posts = Array.from({ length: rooms }, (_, n) => post(`Load, room ${n + 1}`, tokens[n % tokens.length]));
  return { tokens, posts, lobby: post("Load, lobby", tokens[0]) };
};
