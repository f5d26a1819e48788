/** What a session's token is good for, what reaches it when it ends, and what of any secret is on the disk. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { newId, refusal, type TestClient, TestServer, until } from "./in-process.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

const textsOf = (client: TestClient) =>
  client.eventsNamed("message.posted").map(({ message }) => (message as { text: string }).text);

test("[R46] what is stored behind the op that ended a session does not reach it any more", async () => {
  const alice = await server.join("cut-alice");
  const bob = await server.join("cut-bob");
  const say = (text: string) => bob.call("message.post", { to: "@cut-alice", text, id: newId() });
  await say("opened");
  const other = server.connect();
  const password = "password of cut-alice";
  const signIn = { name: "cut-alice", password, id: newId() };
  const { session } = await other.call("session.open", signIn);
  // Asked in one turn: it becomes durable, and is folded, in one batch.
  const asked = [
    say("before the end"),
    alice.call("session.revoke", { session, id: newId() }),
    say("behind the end"),
    bob.call("account.rename", { name: "cut-robert", id: newId() }),
  ];
  await Promise.all(asked);
  await until(() => other.closedWith !== null);
  expect(other.closedWith?.code).toBe(4002);
  expect(other.events.map(({ method }) => method)).toEqual(["message.posted", "session.ended"]);
  expect(textsOf(other)).toEqual(["before the end"]);
  expect(textsOf(alice)).toEqual(["opened", "before the end", "behind the end"]);
});

test("[R10.13] a session has eight tokens: the oldest are forgotten, the newest are good", async () => {
  const { id: account } = await server.join("many-tokens");
  const signIn = { name: "many-tokens", password: "password of many-tokens", id: newId() };
  const tokens: string[] = [];
  for (let i = 0; i < 10; i++) {
    tokens.push((await server.connect().call("session.open", signIn)).token);
  }
  expect(new Set(tokens).size).toBe(10);
  for (const token of tokens.slice(0, 2)) {
    expect(await refusal(server.resume(token))).toBe("unauthorized");
  }
  for (const token of tokens.slice(2)) {
    const resumed = await server.connect().call("session.resume", { token });
    expect(resumed.account.id).toBe(account);
  }
  const { sessions } = await (await server.resume(tokens[9] ?? "")).call("session.list", {});
  expect(sessions).toHaveLength(2); // the one of the sign-up, and this one
});

test("[R45, R46, R47] of tokens, codes and passwords only hashes are on the disk", async () => {
  const password = "a Quite unusual password";
  const name = "has-secrets";
  const client = server.connect();
  const { token } = await client.call("account.create", { name, password, id: newId() });
  const label = "a label that is kept";
  const signIn = { name, password, label, id: newId() };
  const second = await server.connect().call("session.open", signIn);
  const { code } = await server.operator("invitation.create", { id: newId() });
  const guest = { name: "has-a-code", password, invitation: code, id: newId() };
  const { token: guestToken } = await server.connect().call("account.create", guest);
  const secrets = [password, code, code.replaceAll("-", ""), code.toUpperCase()];
  for (const one of [token, second.token, guestToken]) {
    const text = one.replace(/^hft_/, "");
    secrets.push(text, Buffer.from(text, "base64url").toString("latin1"));
  }
  const holding = (text: string) =>
    readdirSync(server.directory).filter((file) =>
      readFileSync(join(server.directory, file)).toString("latin1").includes(text),
    );
  const look = () => {
    expect(holding(label)).not.toEqual([]); // what is kept is found this way
    for (const secret of secrets) expect([secret, holding(secret)]).toEqual([secret, []]);
  };
  look();
  await server.restart();
  look();
});
