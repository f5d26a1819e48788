/** The one-shot commands, as processes against a real server. */
import { afterEach, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Value } from "typebox/value";
import { methods } from "../src/protocol/methods.ts";
import { Message } from "../src/protocol/schema.ts";
import { House, PASSWORD, Person } from "./cli-people.ts";
import { atEnd, cleanUp } from "./server-process.ts";

afterEach(cleanUp);

async function twoPeople(): Promise<{ house: House; ann: Person; bob: Person }> {
  const house = await House.open();
  const ann = new Person();
  const bob = new Person();
  await Promise.all([ann.signUp(house.url, "ann"), bob.signUp(house.url, "bob")]);
  return { house, ann, bob };
}

const CONTROLS = /[^\P{Cc}\n]|(?![\u200c\u200d])\p{Cf}/u;

test("after the first command no flags are needed; the token is in no output, and safe on disk", async () => {
  const house = await House.open();
  const ann = new Person();
  const made = await ann.run(["account", "create", "ann", "--server", house.url, "--json"], {
    environment: { HOLDFAST_PASSWORD: PASSWORD },
  });
  expect(made.code).toBe(0);
  expect(made.out).not.toContain("hft_");
  expect(JSON.parse(made.out).account.name).toBe("ann");
  expect(await ann.done(["account", "list", "a*"])).toContain("ann");

  const [cluster = ""] = readdirSync(join(ann.config, "clusters"));
  const file = join(ann.config, "clusters", cluster, "session.json");
  expect(readFileSync(file, "utf8")).toContain("hft_");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(ann.config).mode & 0o777).toBe(0o700);

  chmodSync(file, 0o644);
  const warned = await ann.run(["session", "list"]);
  expect([warned.code, statSync(file).mode & 0o777]).toEqual([0, 0o600]);
  expect(warned.err).toContain(file);
});

test("every answer has the protocol's shape", async () => {
  const { ann, bob } = await twoPeople();
  const check = async (
    person: Person,
    method: keyof typeof methods,
    args: string[],
    more: { input?: string } = {},
  ) => {
    const answer = await person.json(args, more);
    expect([...Value.Errors(methods[method].result, answer)]).toEqual([]);
  };
  await check(ann, "channel.create", ["channel", "create", "ops", "--topic", "on call"]);
  await check(bob, "channel.join", ["channel", "join", "#ops"]);
  await check(bob, "message.post", ["send", "#ops", "hello", "ops"]);
  await check(ann, "message.history", ["history", "#ops"]);
  await check(ann, "message.search", ["search", "hello"]);
  await check(ann, "channel.list", ["channel", "list", "o*"]);
  await check(ann, "channel.members", ["channel", "members", "ops"]);
  await check(ann, "channel.update", ["channel", "topic", "ops", "new"]);
  await check(ann, "channel.remove", ["channel", "remove", "ops", "bob"]);
  await check(ann, "channel.invite", ["channel", "invite", "ops", "bob"]);
  await check(ann, "channel.ban", ["channel", "ban", "ops", "bob"]);
  await check(ann, "channel.ban", ["channel", "ban", "ops", "bob", "--lift"]);
  await check(ann, "conversation.list", ["conversations"]);
  await check(ann, "account.list", ["account", "list"]);
  await check(ann, "account.rename", ["account", "rename", "anna"]);
  await check(ann, "session.list", ["session", "list"]);
  await check(bob, "channel.join", ["channel", "join", "ops"]);
  await check(bob, "channel.leave", ["channel", "leave", "ops"]);
  const input = `${PASSWORD}\nanother horse\n`;
  await check(bob, "account.password", ["account", "password", "--password-stdin"], { input });
  const gone = { input: "another horse\n" };
  await check(bob, "account.delete", ["account", "delete", "--yes", "--password-stdin"], gone);
  expect((await bob.run(["conversations"])).code).toBe(1);
});

test("exit codes: refused with the code, wrong usage, no server, and where the error goes", async () => {
  const { ann, house } = await twoPeople();
  const refused = await ann.run(["send", "@nobody", "hi"]);
  expect([refused.code, refused.out]).toEqual([1, ""]);
  expect(refused.err).toContain("no_such_recipient");
  const json = await ann.run(["send", "@nobody", "hi", "--json"]);
  expect(JSON.parse(json.err).error.data.code).toBe("no_such_recipient");

  for (const args of [
    ["send"],
    ["send", "bob", "hi"],
    ["send", "@bob"],
    ["send", "@bob", "hi", "--id", "1"],
    ["send", "@bob", "hi", "--nonsense"],
    ["history", "#ops", "--limit", "0"],
    ["account", "create", "ünder"],
    ["account", "create", "carl"], // no password, and no terminal to ask on
    ["account", "delete"],
    ["nonsense"],
    ["channel", "nonsense"],
    ["conversations", "--server", "ftp://x"],
    ["conversations", "--timeout", "soon"],
  ]) {
    expect([args, (await ann.run(args)).code]).toEqual([args, 2]);
  }
  expect((await new Person().run(["conversations", "--server", house.url])).code).toBe(1);

  await house.kill();
  const away = await ann.run(["send", "@bob", "hi", "--timeout", "0.3"]);
  expect([away.code, away.out]).toEqual([3, ""]);
  expect((await ann.run(["--help"])).code).toBe(0);
  expect((await ann.run(["send", "--help"])).out).toContain("Exit codes");
});

test("an outcome that is not known is exit code 4", async () => {
  const { ann } = await twoPeople();
  const [cluster = ""] = readdirSync(join(ann.config, "clusters"));
  // A server of the same cluster that takes everything in and knows the outcome of nothing.
  const stub = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("no")),
    websocket: {
      message(socket, text) {
        const { id, method } = JSON.parse(String(text));
        const session = JSON.parse(
          readFileSync(join(ann.config, "clusters", cluster, "session.json"), "utf8"),
        );
        const results: Record<string, unknown> = {
          "server.hello": {
            cluster: session.cluster,
            server: "x",
            servers: [],
            protocol: 1,
            limits: {},
            cursor: "c",
          },
          "session.resume": {
            account: { ...session.account, displayName: "" },
            session: "s",
            cursor: "c",
          },
        };
        const error = {
          code: -32012,
          message: "no answer in time",
          data: { code: "indefinite", retry: true },
        };
        const answer = method in results ? { result: results[method] } : { error };
        socket.send(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
      },
    },
  });
  atEnd(() => stub.stop(true));
  const url = `http://127.0.0.1:${stub.port}`;
  const told = await ann.run(["channel", "create", "ops", "--server", url]);
  expect([told.code, told.out]).toEqual([4, ""]);
  expect(told.err).toContain("indefinite");
});

test("send: words, standard input as one message, lines in order, and once under one id", async () => {
  const { ann, bob } = await twoPeople();
  await ann.done(["send", "@bob", "two", "words"]);
  await ann.done(["send", "@bob"], { input: "first\n  second\n" });
  await ann.done(["send", "@bob", "-"], { input: "dash" });
  await ann.done(["send", "@bob", "--lines"], { input: "1\n\n2\r\n3" });
  const id = Bun.randomUUIDv7();
  const once = await ann.json<{ message: Message }>(["send", "@bob", "once", "--id", id]);
  const again = await ann.json(["send", "@bob", "once", "--id", id]);
  expect(again).toMatchObject({ message: once.message });
  const lines = ["send", "@bob", "--lines", "--id", Bun.randomUUIDv7()];
  await ann.done(lines, { input: "a\nb\n" });
  await ann.done(lines, { input: "a\nb\n" });
  const other = await ann.run(["send", "@bob", "other", "--id", id]);
  expect([other.code, other.err]).toEqual([1, expect.stringContaining("id_reused")]);

  const { messages } = await bob.json<{ messages: Message[] }>(["history", "@ann"]);
  expect(messages.map(({ text }) => text)).toEqual([
    "two words",
    "first\n  second",
    "dash",
    "1",
    "2",
    "3",
    "once",
    "a",
    "b",
  ]);
});

test("history goes back as far as it is asked to, over pages, without a gap", async () => {
  const { ann } = await twoPeople();
  const all = Array.from({ length: 230 }, (_, i) => `line ${i}`);
  await ann.done(["send", "@bob", "--lines", "--quiet"], { input: all.join("\n") });
  type Page = { messages: Message[]; next?: string };
  const newest = await ann.json<Page>(["history", "@bob", "--limit", "205"]);
  expect(newest.messages.map(({ text }) => text)).toEqual(all.slice(25));
  const before = ["--before", newest.next as string];
  const older = await ann.json<Page>(["history", "@bob", ...before]);
  expect(older.messages.map(({ text }) => text)).toEqual(all.slice(0, 25));
  expect(older.next).toBeUndefined();
});

test("tail goes on over a restart of the server, without gap or repeat", async () => {
  const { house, ann, bob } = await twoPeople();
  await ann.done(["send", "@bob", "zero"]);
  const tail = bob.start(["tail", "@ann", "--last", "1", "--json"]);
  await tail.said(/"zero"/);
  for (const text of ["one", "two"]) await ann.done(["send", "@bob", text]);
  await tail.said(/"two"/);
  await house.kill();
  const waiting = ann.run(["send", "@bob", "three", "--timeout", "30"]);
  await house.back();
  expect((await waiting).code).toBe(0);
  await ann.done(["send", "@bob", "--lines"], { input: "four\nfive\n" });
  await tail.said(/"five"/);
  const { code, out } = await tail.stop("SIGTERM");
  const messages = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(messages.map(({ text }) => text)).toEqual(["zero", "one", "two", "three", "four", "five"]);
  for (const message of messages) expect([...Value.Errors(Message, message)]).toEqual([]);
  expect(code).toBe(0);
});

test("tail shows edits and deletions if asked, of all conversations, in one line each", async () => {
  const { ann, bob } = await twoPeople();
  await ann.done(["channel", "create", "ops"]);
  await ann.done(["send", "@bob", "direct\ntwo lines"]);
  await ann.done(["send", "#ops", "channel"]);
  const tail = ann.start(["tail"]);
  await tail.said(/#ops ann: channel\n/);
  await bob.done(["send", "@ann", "back"]);
  await tail.said(/@bob bob: back\n/);
  const { out } = await tail.stop("SIGINT");
  expect(out.replaceAll(/^\S+ /gm, "").trim().split("\n")).toEqual([
    "@bob ann: direct⏎two lines",
    "#ops ann: channel",
    "@bob bob: back",
  ]);
});

test("a reader that goes ends the command quietly", async () => {
  const { ann } = await twoPeople();
  const lines = Array.from({ length: 50 }, (_, i) => `${i} ${"x".repeat(7_000)}`);
  await ann.done(["send", "@bob", "--lines", "--quiet"], { input: lines.join("\n") });
  const by = ["bash", "-c", 'set -o pipefail; "$@" | head -n 1', "bash"];
  const history = ann.start(["history", "@bob", "--limit", "50"], {}, by);
  const { code, out, err } = await history.ended();
  expect(out).toMatch(/ann: 0 x+\n$/);
  expect([code, err]).toEqual([0, ""]);
});

test("what others write does not act on the terminal, in text and in JSON", async () => {
  const { ann, bob } = await twoPeople();
  const evil = "a\u009b2Jb\u202ec\u2066d\u2028e\u00adf";
  await bob.done(["send", "@ann", evil]);
  await bob.done(["account", "display-name", "x\u202ey"]);
  for (const args of [
    ["history", "@bob"],
    ["search", "a"],
    ["conversations"],
    ["account", "list"],
  ]) {
    for (const json of [[], ["--json"]]) {
      expect(await ann.done([...args, ...json])).not.toMatch(CONTROLS);
    }
  }
  const { messages } = await ann.json<{ messages: Message[] }>(["history", "@bob"]);
  expect(messages.map(({ text }) => text)).toEqual([evil]);
});

test("sessions: signing out ends and forgets it, revoking ends another device's", async () => {
  const { house, ann } = await twoPeople();
  const phone = new Person();
  await phone.signIn(house.url, "ann");
  await ann.done(["session", "revoke", "--others"]);
  const over = await phone.run(["conversations"]);
  expect([over.code, over.err]).toEqual([1, expect.stringMatching(/session_ended|unauthorized/)]);
  expect((await phone.run(["conversations"])).err).toContain("not signed in");
  await ann.done(["sign-out"]);
  expect(existsSync(join(ann.config, "current"))).toBe(false);
  const wrong = await ann.run(["sign-in", "ann", "--server", house.url, "--password-stdin"], {
    input: "wrong horse\n",
  });
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("bad_credentials")]);
});
