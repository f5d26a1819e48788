/** Real servers that join by a token, are removed, and get a new secret: as processes, with the commands. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeJoinToken } from "../src/mesh/join-token.ts";
import { eventually, resultOf, Site } from "./cluster-processes.ts";
import {
  cleanUp,
  type Ended,
  fingerprint,
  type HoldfastProcess,
  holdfast,
  messagesOf,
  scratch,
  serve,
  signUp,
} from "./server-process.ts";

setDefaultTimeout(300_000); // many processes start one after the other: on a busy machine each takes seconds
afterEach(cleanUp);

const newId = () => Bun.randomUUIDv7();

/** A command of the operator of one server; fails if it does. */
async function operate(site: Site, at: string, ...args: string[]): Promise<string> {
  const ended = await holdfast(site.folder, [...args, "--data", site.data(at)]);
  if (ended.code !== 0) throw new Error(`${args.join(" ")}: ${ended.code} ${ended.err}`);
  return ended.out;
}

async function invite(site: Site, at: string): Promise<string> {
  return (JSON.parse(await operate(site, at, "invite", "--json")) as { token: string }).token;
}

/** A server that comes by a token. */
function newcomer(site: Site, name: string, token: string, folder = name): HoldfastProcess {
  const own = ["--name", name, "--listen", site.address(folder), "--data", site.data(folder)];
  return serve(site.folder, [...own, "--join", token, "--log-format", "text"]);
}

function started(site: Site, name: string, ...more: string[]): HoldfastProcess {
  const own = ["--name", name, "--listen", site.address(name), "--log-format", "text"];
  return serve(site.folder, [...own, ...more]);
}

async function hall(site: Site, at: string): Promise<string> {
  const token = await signUp(site.url(at), "ann");
  resultOf(await site.call(at, "channel.create", { name: "hall", id: newId() }, token));
  return token;
}

async function post(site: Site, at: string, token: string, text: string) {
  const answer = await site.call(at, "message.post", { to: "#hall", text, id: newId() }, token);
  const { receipt } = resultOf(answer) as { receipt: { held: string[]; of: number } };
  return { held: [...receipt.held].sort(), of: receipt.of };
}

/** Until a message is acknowledged by all of these: who has just come back is not waited for at once. */
function postedTo(site: Site, at: string, token: string, names: readonly string[], text: string) {
  return eventually(async () => {
    const { held } = await post(site, at, token, text);
    return names.every((name) => held.includes(name)) ? true : null;
  });
}

async function texts(site: Site, at: string, token: string): Promise<string[]> {
  const answer = await site.call(at, "message.history", { in: "#hall", limit: 200 }, token);
  return messagesOf(answer).map(({ text }) => text);
}

/** Until a server lacks nothing that the others are known to hold. */
function caughtUp(site: Site, name: string): Promise<true> {
  return eventually(async () => ((await site.status(name)).behind ? null : true));
}

const secretOf = (folder: string) =>
  readFileSync(join(folder, "secret"), "utf8").split("\n")[0] as string;

test("[R98] a token lets one server in: it gets the secret, everything stored, and is counted", async () => {
  const site = new Site();
  const a = started(site, "a");
  await a.ready();
  const ann = await hall(site, "a");
  await post(site, "a", ann, "before");
  const token = await invite(site, "a");
  const secret = secretOf(site.data("a"));
  expect(Buffer.from(token.slice(4), "base64url").includes(Buffer.from(secret, "base64"))).toBe(
    false,
  );
  expect(Buffer.from(token.slice(4), "base64url").toString()).not.toContain(secret);
  const b = newcomer(site, "b", token);
  await b.ready();
  await a.said(/server b joins the cluster by a token/);
  await site.inSync(["a", "b"]);
  expect(secretOf(site.data("b"))).toBe(secret);
  await caughtUp(site, "b");
  expect(await texts(site, "b", ann)).toEqual(["before"]);
  expect(await post(site, "b", ann, "after")).toEqual({ held: ["a", "b"], of: 2 });
  // From now on it is like any other: with the token still on its command line, and without.
  await b.stop();
  const again = newcomer(site, "b", token);
  await again.ready();
  await site.inSync(["a", "b"]);
  await again.stop();
  await a.stop();
  await started(site, "a").ready();
  await started(site, "b").ready(); // it remembers where the cluster is
  await site.inSync(["a", "b"]);
  expect(await texts(site, "a", ann)).toEqual(["before", "after"]);
});

test("[R98] a second server with the same token, one of another cluster, and a broken one are refused", async () => {
  const site = new Site();
  const a = started(site, "a");
  await a.ready();
  const token = await invite(site, "a");
  const b = newcomer(site, "b", token);
  await b.ready();
  await site.inSync(["a", "b"]);
  const refused = async (started: HoldfastProcess, code: number, said: RegExp): Promise<Ended> => {
    const ended = await started.ended();
    expect(ended.err).toMatch(said);
    expect(ended.code).toBe(code);
    return ended;
  };
  const spent = /another server has joined with this token/;
  await refused(newcomer(site, "c", token), 22, spent);
  await a.said(spent);
  expect(existsSync(site.data("c"))).toBe(false); // nothing is left of it
  const { links } = await site.status("a");
  expect(links.find(({ server }) => server === "c")).toMatchObject({
    state: "refused",
    problem: "token_spent",
  });
  // A name that is somebody's, with another key; and the name of the server that is asked.
  const taken = await invite(site, "a");
  await refused(
    newcomer(site, "b", taken, "x"),
    22,
    /the cluster has a server b with another key|another live server goes by the name b/,
  );
  await refused(newcomer(site, "a", taken, "x"), 22, /another live server goes by the name a/);
  // Another cluster: the token says where to, and the data where from.
  const other = new Site();
  const z = started(other, "z");
  await z.ready();
  await z.stop();
  const before = fingerprint(other.data("z"));
  await refused(newcomer(other, "z", taken), 15, /belongs to another cluster than the join token/);
  expect(fingerprint(other.data("z"))).toBe(before);
  // Not whole, and nobody there.
  await refused(newcomer(site, "d", taken.slice(0, -3)), 2, /expected a whole token/);
  await a.stop();
  await refused(newcomer(site, "d", taken), 22, /nothing listens there/);
  expect(existsSync(site.data("d"))).toBe(false);
  // It was not used up by all that.
  await started(site, "a").ready();
  await newcomer(site, "d", taken).ready();
  await site.inSync(["a", "b", "d"]);
});

test("[R98] whoever answers at the address of a token must be the server that made it", async () => {
  const site = new Site();
  const a = started(site, "a");
  await a.ready();
  const token = await invite(site, "a");
  await a.stop();
  // The same secret, the same address, another key.
  cpSync(join(site.data("a"), "secret"), site.secretFile);
  rmSync(site.data("a"), { recursive: true });
  const imposter = await site.start("a");
  const ended = await newcomer(site, "b", token).ended();
  expect(ended.err).toMatch(/is not the one that made the join token: its key is another/);
  await imposter.said(/is not the one that made the join token|made no such join token/);
  expect(ended.code).toBe(22);
  expect(decodeJoinToken(token)?.server).toBe("a");
});

test("[R97] a removed server hands over what only it has, stops and says why; nobody waits for it", async () => {
  const site = new Site();
  await site.startAll(["a", "b", "c"]);
  const ann = await hall(site, "a");
  // c is alone with what it is told, and dies with that.
  await site.kill("a");
  await site.kill("b");
  expect((await post(site, "c", ann, "only c has this")).held).toEqual(["c"]);
  await site.kill("c");
  await Promise.all([site.start("a"), site.start("b")]);
  await site.inSync(["a", "b"]);
  expect(await operate(site, "a", "remove", "c")).toMatch(/^c is removed; stored by a, b\./);
  expect(await post(site, "b", ann, "without c")).toEqual({ held: ["a", "b"], of: 2 });
  const hello = resultOf(await site.call("b", "server.hello", {})) as {
    servers: { name: string }[];
  };
  expect(hello.servers.map(({ name }) => name)).toEqual(["a", "b"]);
  const back = await site.start("c");
  const ended = await back.ended();
  expect(ended.code).toBe(21);
  expect(ended.err).toMatch(
    /server c was removed from the cluster and stops: all that it had is held by a, b/,
  );
  for (const name of ["a", "b"]) {
    expect(await texts(site, name, ann)).toEqual(["only c has this", "without c"]);
    const { servers } = await site.status(name);
    expect(servers.find((server) => server.name === "c")).toMatchObject({ removed: true });
  }
  // One that lives stops at once.
  await operate(site, "b", "remove", "a");
  const live = await site.process("a").ended();
  expect(live.code).toBe(21);
  expect(await post(site, "b", ann, "alone")).toEqual({ held: ["b"], of: 1 });
});

test("[R97] what can't be removed: this server, one that is none, one that was; each is told so", async () => {
  const site = new Site();
  await site.startAll(["a", "b"]);
  const fails = async (at: string, name: string, said: RegExp) => {
    const ended = await holdfast(site.folder, ["remove", name, "--data", site.data(at)]);
    expect(ended.err).toMatch(said);
    expect(ended.code).not.toBe(0);
  };
  await fails("a", "a", /a server does not remove itself: run this on another one/);
  await fails("a", "x", /the cluster has no server x; it has a, b/);
  await operate(site, "a", "remove", "b");
  await fails("a", "b", /server b is removed already/);
  await site.process("b").ended();
  await fails("a", "a", /it is the only one: stop it instead/);
  // Nobody of the chat may, an admin neither.
  const ann = await signUp(site.url("a"), "ann");
  await operate(site, "a", "admin", "grant", "ann");
  for (const [method, params] of [
    ["cluster.remove", { server: "a", id: newId() }],
    ["cluster.invite", {}],
    ["cluster.rotateSecret", {}],
  ] as const) {
    const { error } = await site.call("a", method, params, ann);
    expect(error?.data.code).toBe("forbidden");
  }
});

test("[R97, R98] a removed server comes back by a token: with its old data, or under its name with none", async () => {
  const site = new Site();
  await site.startAll(["a", "b"]);
  const ann = await hall(site, "a");
  await post(site, "b", ann, "one");
  await operate(site, "a", "remove", "b");
  expect((await site.process("b").ended()).code).toBe(21);
  const back = newcomer(site, "b", await invite(site, "a"));
  await back.ready();
  await site.inSync(["a", "b"]);
  expect(await post(site, "b", ann, "two")).toEqual({ held: ["a", "b"], of: 2 });
  await back.stop();
  // Its key file is lost: it is another server to the cluster, until it is removed and joins anew.
  rmSync(join(site.data("b"), "key"));
  const strange = started(site, "b");
  await strange.said(/does not have the key that the cluster knows this name by/);
  await strange.stop();
  await operate(site, "a", "remove", "b");
  await newcomer(site, "b", await invite(site, "a")).ready();
  await site.inSync(["a", "b"]);
  expect(await texts(site, "b", ann)).toEqual(["one", "two"]);
});

test("[R99] a new secret: members get it, also one that was away; who has only the old one does not join", async () => {
  const site = new Site();
  await site.startAll(["a", "b", "c"]);
  const ann = await hall(site, "a");
  const old = readFileSync(site.secretFile, "utf8").trim();
  await site.kill("c");
  const said = await operate(site, "b", "secret", "rotate");
  expect(said).toMatch(/On disk at: a, b\./);
  expect(said).toMatch(/Away: c: they get it when they link again/);
  const secret = secretOf(site.data("b"));
  expect(secret).not.toBe(old);
  expect(secretOf(site.data("a"))).toBe(secret);
  // Everything goes on: links, sessions, commands.
  expect(await post(site, "a", ann, "under a new secret")).toMatchObject({ held: ["a", "b"] });
  await operate(site, "a", "status");
  // It starts with the old file, as its operator left it.
  await site.start("c");
  await site.inSync(["a", "b", "c"]);
  await eventually(() => (existsSync(join(site.data("c"), "secret")) ? true : null));
  expect(secretOf(site.data("c"))).toBe(secret);
  const x = await site.start("x", ["--peer", site.address("a")]);
  await x.said(/of before and after a change/);
  await site.process("a").said(/of before and after a change/);
  // All stop and come back with what they were given at first: the same cluster, with the new secret.
  for (const name of ["a", "b", "c"]) await site.process(name).stop();
  await Promise.all(["a", "b", "c"].map((name) => site.start(name)));
  await site.inSync(["a", "b", "c"]);
  expect(await texts(site, "c", ann)).toEqual(["under a new secret"]);
  // And a fresh one with a copy of the new file is of this cluster.
  writeFileSync(join(site.folder, "copied"), readFileSync(join(site.data("c"), "secret")), {
    mode: 0o600,
  });
  const folder = scratch();
  const d = serve(folder, [
    ...["--name", "d", "--secret-file", join(site.folder, "copied")],
    ...["--peer", site.address("a"), "--log-format", "text"],
  ]);
  await d.ready();
  await site.process("a").said(/linked to server d/);
});

test("[R111] servers that were started with other settings link all the same, and follow what is set", async () => {
  const site = new Site();
  await site.start("a", ["--sign-up", "closed", "--min-copies", "1", "--writes-per-second", "50"]);
  const peer = ["--peer", site.address("a")];
  await site.start("b", [...peer, "--sign-up", "open", "--min-copies", "2", "--reserve", "8M"]);
  await site.inSync(["a", "b"]);
  const signUpAt = async (name: string) =>
    (resultOf(await site.call(name, "server.hello", {})) as { signUp: string }).signUp;
  expect([await signUpAt("a"), await signUpAt("b")]).toEqual(["closed", "open"]);
  // Set once, it counts everywhere, also for who is started with another word.
  await operate(site, "a", "admin", "sign-up", "invitation");
  await eventually(async () => ((await signUpAt("b")) === "invitation" ? true : null));
  await site.process("b").stop();
  await site.start("b", [...peer, "--sign-up", "closed"]);
  await site.inSync(["a", "b"]);
  expect([await signUpAt("a"), await signUpAt("b")]).toEqual(["invitation", "invitation"]);
  for (const name of ["a", "b"]) {
    expect((await site.status(name)).links.map(({ state }) => state)).toEqual(["linked"]);
  }
});

test("[R99] the secret is changed on two sides that do not see each other: all end with the same one", async () => {
  const site = new Site();
  await site.startAll(["a", "b"]);
  const ann = await hall(site, "a");
  await site.kill("b");
  await operate(site, "a", "secret", "rotate");
  await site.kill("a");
  await site.start("b");
  await operate(site, "b", "secret", "rotate");
  const [one, other] = ["a", "b"].map((name) => secretOf(site.data(name)));
  expect(one).not.toBe(other as string);
  await site.start("a");
  await site.inSync(["a", "b"]);
  const present = await eventually(() => {
    const [a, b] = ["a", "b"].map((name) => secretOf(site.data(name)));
    return a === b ? (a as string) : null;
  });
  expect([one, other]).toContain(present);
  // And the next change gets everywhere.
  expect(await operate(site, "a", "secret", "rotate")).toMatch(/On disk at: a, b\./);
  await postedTo(site, "b", ann, ["a", "b"], "still one");
});

test("[R99] servers that are killed while the secret is changed come back to each other", async () => {
  const site = new Site();
  const names = ["a", "b", "c"];
  await site.startAll(names);
  const ann = await hall(site, "a");
  for (const [round, victims] of [["a"], ["b"], ["a", "c"]].entries()) {
    const command = holdfast(site.folder, ["secret", "rotate", "--data", site.data("a")]);
    // Somewhere in the middle of it: the command's own start takes most of this time.
    await Bun.sleep(150 + Math.random() * 500);
    await Promise.all(victims.map((name) => site.kill(name)));
    await command;
    await Promise.all(victims.map((name) => site.start(name)));
    await site.inSync(names);
    await eventually(() => {
      const secrets = names.map((name) =>
        existsSync(join(site.data(name), "secret")) ? secretOf(site.data(name)) : "first",
      );
      return new Set(secrets).size === 1 ? true : null;
    });
    await postedTo(site, "b", ann, names, `round ${round}`);
  }
});
