/** The SDK and the examples against a real server: over sockets, through kills and restarts. */
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import {
  type Client,
  type ClientOptions,
  createClient,
  HoldfastError,
} from "../src/client/index.ts";
import {
  atEnd,
  cleanUp,
  type HoldfastProcess,
  rpc,
  scratch,
  serve,
  signUp,
} from "./server-process.ts";

afterEach(cleanUp);

const PASSWORD = "correct horse";

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await Bun.sleep(10);
}

class Site {
  readonly folder = scratch();
  server: HoldfastProcess;
  url = "";

  constructor() {
    this.server = serve(this.folder, ["--name", "a", "--sign-up", "open"]);
  }

  async ready(): Promise<this> {
    this.url = await this.server.ready();
    return this;
  }

  /** The same server again: same data, same address. */
  async again(): Promise<void> {
    const listen = new URL(this.url).host;
    this.server = serve(this.folder, ["--name", "a", "--sign-up", "open", "--listen", listen]);
    await this.server.ready();
  }

  client(options: Partial<ClientOptions> = {}): Client {
    const client = createClient({ servers: [this.url], ...options });
    atEnd(() => client.close());
    return client;
  }

  async join(name: string): Promise<Client> {
    const client = this.client();
    await client.signUp({ name, password: PASSWORD });
    return client;
  }
}

function texts(client: Client): string[] {
  const heard: string[] = [];
  client.on("message.posted", ({ message }) => heard.push(message.text));
  return heard;
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error) => (error instanceof HoldfastError ? error.code : String(error)),
  );

test("two people talk: names, receipts, events", async () => {
  const site = await new Site().ready();
  const ann = await site.join("ann");
  const bob = await site.join("bob");
  const heard = texts(bob);
  const posted = await ann.post("@bob", "hello");
  expect(posted.receipt).toEqual({ held: ["a"], of: 1 });
  await until(() => heard.length > 0);
  expect(heard).toEqual(["hello"]);
  expect(await codeOf(ann.post("@nobody", "x"))).toBe("no_such_recipient");
  expect(await codeOf(ann.post("#nowhere", "x"))).toBe("no_such_recipient");
  expect(await codeOf(site.client().signIn({ name: "bob", password: "wrong" }))).toBe(
    "bad_credentials",
  );
});

test("channels by name, public and private, through the ids of names", async () => {
  const site = await new Site().ready();
  const ann = await site.join("ann");
  const bob = await site.join("bob");
  await ann.call("channel.create", { name: "open" });
  await bob.call("channel.join", { in: "#open" });
  await ann.call("channel.create", { name: "closed", private: true });
  expect(await codeOf(bob.call("channel.join", { in: "#closed" }))).toBe("not_found");
  await ann.call("channel.invite", { in: "#closed", account: "@bob" });
  await bob.call("channel.join", { in: "#closed" });
  const heard = texts(bob);
  await ann.post("#closed", "among us");
  await until(() => heard.length > 0);
  await ann.call("channel.remove", { in: "#closed", account: "@bob" });
  const { members } = await ann.call("channel.members", { in: "#closed" });
  expect(members.map(({ name }) => name)).toEqual(["ann"]);
});

test("[R5, R60, R61] a server that is killed again and again: all posted, once, in order, and heard so", async () => {
  const site = await new Site().ready();
  const ann = await site.join("ann");
  const bob = await site.join("bob");
  const heard = texts(bob);
  const wanted: string[] = [];
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 40; i++) {
      wanted.push(`${round}.${i}`);
      ann.outbox.post({ to: "@bob", text: `${round}.${i}` });
      if (i === 20) {
        await Bun.sleep(15);
        await site.server.stop("SIGKILL");
      }
    }
    await site.again();
    await until(() => heard.length >= 20 * (round + 1));
  }
  await until(() => ann.outbox.entries.length === 0);
  await until(() => heard.length >= wanted.length);
  expect(heard).toEqual(wanted);
  const { messages } = await bob.call("message.history", { in: "@ann", limit: 200 });
  expect(messages.map(({ text }) => text)).toEqual(wanted);
}, 60_000);

test("a server that stops says so, and is come back to", async () => {
  const site = await new Site().ready();
  const ann = await site.join("ann");
  const states: string[] = [];
  ann.on("connection", ({ state }) => states.push(state));
  await site.server.stop();
  await until(() => ann.connection.state !== "live");
  const late = ann.call("account.list", {});
  await site.again();
  expect((await late).accounts.map(({ name }) => name)).toEqual(["ann"]);
  expect(states.at(-1)).toBe("live");
});

test("[R7] what was missed between two processes comes by the cursor", async () => {
  const site = await new Site().ready();
  const ann = await site.join("ann");
  const bob = await site.join("bob");
  await ann.post("@bob", "1");
  await until(async () => (await bob.call("conversation.list", {})).conversations.length > 0);
  const { token, cursor } = bob;
  await bob.close();
  for (const text of ["2", "3"]) await ann.post("@bob", text);
  const later = site.client({ token: token ?? "", cursor: cursor ?? "" });
  const heard = texts(later);
  await until(() => heard.length >= 2);
  expect(heard).toEqual(["2", "3"]);
});

test("[R7] every event's cursor stands for what came before it, not for what follows", async () => {
  const site = await new Site().ready();
  const ann = await site.join("ann");
  const bob = await site.join("bob");
  await ann.post("@bob", "first");
  const heard: { text: string; cursor: string }[] = [];
  bob.on("message.posted", ({ message, cursor }) => heard.push({ text: message.text, cursor }));
  const wanted = Array.from({ length: 200 }, (_, i) => `${i}`);
  await Promise.all(wanted.map((text) => ann.post("@bob", text)));
  await until(() => heard.filter(({ text }) => text !== "first").length >= wanted.length);
  const events = heard.filter(({ text }) => text !== "first");
  for (const at of [0, 20, 150, 198]) {
    const { token } = bob;
    const later = site.client({ token: token ?? "", cursor: events[at]?.cursor ?? "" });
    const again = texts(later);
    await new Promise((resolve) => later.on("caught_up", resolve));
    expect(again).toEqual(wanted.slice(at + 1));
  }
});

test("a revoked session is told, and signed out", async () => {
  const site = await new Site().ready();
  const ann = await site.join("ann");
  const other = site.client();
  const { session } = await other.signIn({ name: "ann", password: PASSWORD, label: "phone" });
  const ended = new Promise<{ code: string }>((resolve) => other.on("signed_out", resolve));
  await ann.call("session.revoke", { session });
  expect((await ended).code).toBe("session_ended");
  expect(other.connection.state).toBe("idle");
  const { token } = ann;
  await ann.signOut();
  expect(await codeOf(site.client().resume(token ?? ""))).toMatch(/unauthorized|session_ended/);
});

test("a person may be renamed between the look at the name and the message", async () => {
  const site = await new Site().ready();
  const ann = await site.join("ann");
  const bob = await site.join("bob");
  const heard = texts(bob);
  await ann.post("@bob", "1");
  await bob.call("account.rename", { name: "robert" });
  await site.join("bob");
  await ann.post("@robert", "2");
  await until(() => heard.length >= 2);
  expect(heard).toEqual(["1", "2"]);
});

// The examples, as anybody would run them.

function example(file: string, args: string[], site: Site, name: string, input?: string) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "../examples", file), ...args], {
    cwd: site.folder,
    env: {
      ...process.env,
      HOLDFAST_SERVER: site.url,
      HOLDFAST_NAME: name,
      HOLDFAST_PASSWORD: PASSWORD,
    },
    stdin: input === undefined ? "ignore" : new Blob([input]),
    stdout: "pipe",
    stderr: "inherit",
  });
  atEnd(() => {
    child.kill("SIGKILL");
    return child.exited;
  });
  return child;
}

test("examples/echo-bot answers each message once, also those that came while it was away", async () => {
  const site = await new Site().ready();
  await signUp(site.url, "echo");
  const ann = await site.join("ann");
  const heard: string[] = [];
  ann.on("message.posted", ({ message }) => {
    if (message.author.name === "echo") heard.push(message.text);
  });
  await ann.post("@echo", "before");
  for (const text of ["one", "two", "three"]) {
    const bot = example("echo-bot.ts", ["./bot"], site, "echo");
    await until(() => heard.length > 0);
    await ann.post("@echo", text);
    await until(() => heard.at(-1) === text);
    if (text === "one") bot.kill("SIGKILL");
    else bot.kill("SIGTERM");
    await bot.exited;
    await ann.post("@echo", `${text}, away`);
  }
  const bot = example("echo-bot.ts", ["./bot"], site, "echo");
  await until(() => heard.length >= 7);
  bot.kill("SIGTERM");
  expect(await bot.exited).toBe(0);
  expect(heard).toEqual(["before", "one", "one, away", "two", "two, away", "three", "three, away"]);
}, 60_000);

test("examples/log-to-channel posts the lines of its input in order", async () => {
  const site = await new Site().ready();
  await signUp(site.url, "logger");
  const ann = await site.join("ann");
  await ann.call("channel.create", { name: "ops" });
  const lines = Array.from({ length: 300 }, (_, i) => `line ${i} ${"x".repeat(20)}`);
  const logger = example("log-to-channel.ts", ["#ops"], site, "logger", `${lines.join("\n")}\n`);
  expect(await logger.exited).toBe(0);
  const { messages } = await ann.call("message.history", { in: "#ops", limit: 200 });
  expect(messages.length).toBeLessThan(10);
  expect(messages.map(({ text }) => text).join("\n")).toBe(lines.join("\n"));
}, 60_000);

test("rpc over HTTP speaks of the same things", async () => {
  const site = await new Site().ready();
  const token = await signUp(site.url, "ann");
  const { rpc: call } = await import("../src/client/index.ts");
  const { accounts } = await call(site.url, token, "account.list", {});
  expect(accounts.map(({ name }) => name)).toEqual(["ann"]);
  expect(await codeOf(call(site.url, undefined, "account.list", {}))).toBe("unauthorized");
  const stopped = await rpc(site.url, "server.ping");
  expect(stopped.result).toBeDefined();
  await site.server.stop("SIGKILL");
  expect(await codeOf(call(site.url, token, "channel.create", { name: "x" }))).toBe("indefinite");
});
