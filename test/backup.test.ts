/** Backups of real servers: under load, alone, into a running cluster; what a kill or a full disk leaves. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import type { Verified } from "../src/cli/verify-text.ts";
import { clusterIdOf, readSecret } from "../src/server/secret.ts";
import { listening, randomFrom, TestOrigin } from "../src/storage/log-testing.ts";
import { openStore } from "../src/storage/store.ts";
import { eventually, resultOf, Site } from "./cluster-processes.ts";
import { cleanUp, HoldfastProcess, holdfast, messagesOf, signUp } from "./server-process.ts";
import { fill, mountMemory, noDisks, unmountAll } from "./torture/disks.ts";

setDefaultTimeout(240_000);
afterEach(async () => {
  unmountAll();
  await cleanUp();
});

const NAMES = ["a", "b", "c"] as const;
const newId = () => Bun.randomUUIDv7();

async function hall(site: Site, at: string): Promise<string> {
  const token = await signUp(site.url(at), "ann");
  resultOf(await site.call(at, "channel.create", { name: "hall", id: newId() }, token));
  return token;
}

async function post(site: Site, at: string, token: string, text: string): Promise<string> {
  const answer = await site.call(at, "message.post", { to: "#hall", text, id: newId() }, token);
  return (resultOf(answer).message as { id: string }).id;
}

async function texts(site: Site, at: string, token: string): Promise<string[]> {
  const answer = await site.call(at, "message.history", { in: "#hall", limit: 200 }, token);
  return messagesOf(answer).map(({ text }) => text);
}

async function run(site: Site, ...args: string[]) {
  const ended = await holdfast(site.folder, args);
  return { ...ended, said: ended.out + ended.err };
}

async function backUp(site: Site, name: string, file: string): Promise<string> {
  const { code, said } = await run(site, "backup", file, "--data", site.data(name));
  expect(said).toContain(`server ${name} of cluster`);
  expect(code).toBe(0);
  return join(site.folder, file);
}

async function restore(site: Site, file: string, name: string, as = name): Promise<void> {
  const { code, err } = await run(site, "restore", file, "--data", site.data(as), "--name", as);
  expect(err).toBe("");
  expect(code).toBe(0);
}

async function same(site: Site, at: string): Promise<Verified> {
  const { code, out, err } = await run(site, "verify", "--data", site.data(at), "--json");
  expect(err).toBe("");
  const verified = JSON.parse(out) as Verified;
  expect(verified.verdict).toBe("same");
  expect(code).toBe(0);
  return verified;
}

/** The files of a store in which a text stands. */
function filesWith(site: Site, name: string, text: string): string[] {
  return readdirSync(site.data(name)).filter((file) =>
    readFileSync(join(site.data(name), file)).includes(text),
  );
}

test("[R2] under load: all that was acknowledged before is in it; restored alone, everybody goes on", async () => {
  const site = new Site();
  await site.start("a");
  const token = await hall(site, "a");
  const acknowledged: string[] = [];
  let isWriting = true;
  const writers = Array.from({ length: 8 }, async (_, w) => {
    for (let i = 0; isWriting; i++) {
      await post(site, "a", token, `${w}/${i}`);
      acknowledged.push(`${w}/${i}`);
    }
  });
  await eventually(() => (acknowledged.length > 50 ? true : null));
  const before = [...acknowledged];
  const file = await backUp(site, "a", "night.backup");
  isWriting = false;
  await Promise.all(writers);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await run(site, "restore", file, "--check")).out).toContain("night.backup is whole");
  await site.process("a").stop();
  renameSync(site.data("a"), join(site.folder, "lost"));
  await restore(site, file, "a");
  expect(readFileSync(join(site.data("a"), "key"))).toEqual(
    readFileSync(join(site.folder, "lost", "key")),
  );
  await site.start("a");
  const found = new Set(await allTexts(site, token));
  expect(before.filter((text) => !found.has(text))).toEqual([]);
  await post(site, "a", token, "and it goes on");
  expect(await texts(site, "a", token)).toContain("and it goes on");
});

async function allTexts(site: Site, token: string): Promise<string[]> {
  const all: string[] = [];
  let before: string | undefined;
  for (;;) {
    const range = before === undefined ? {} : { before };
    const params = { in: "#hall", limit: 200, ...range };
    const answer = await site.call("a", "message.history", params, token);
    const page = messagesOf(answer) as unknown as { text: string; position: string }[];
    all.push(...page.map(({ text }) => text));
    if (page.length < 200) return all;
    before = page[0]?.position as string;
  }
}

test("[R2, R9] into a running cluster: it catches up, brings back what only it had, erased stays erased", async () => {
  const site = new Site();
  await site.startAll(NAMES);
  const token = await hall(site, "a");
  const secret = "the-erased-words";
  const doomed = await post(site, "a", token, secret);
  await site.kill("a");
  await site.kill("b");
  await eventually(async () => {
    const { servers } = await site.status("c");
    return servers.filter(({ inSync }) => inSync).length === 1 ? true : null;
  });
  await post(site, "c", token, "only c has this");
  const file = await backUp(site, "c", "c.backup");
  await site.process("c").stop();
  rmSync(site.data("c"), { recursive: true });
  // The others never saw what only c had, and erase what its backup still holds.
  await Promise.all([site.start("a"), site.start("b")]);
  await site.inSync(["a", "b"]);
  resultOf(await site.call("b", "message.delete", { message: doomed, id: newId() }, token));
  await post(site, "a", token, "while c was gone");
  await restore(site, file, "c");
  expect(filesWith(site, "c", secret)).toContain("log.db");
  await site.start("c", ["--peer", site.address("a")]);
  await site.inSync(NAMES);
  for (const name of NAMES) {
    const shown = await eventually(async () => {
      const all = await texts(site, name, token);
      return all.includes("only c has this") && all.includes("while c was gone") ? all : null;
    });
    expect(shown).not.toContain(secret);
  }
  const { servers } = await same(site, "b");
  expect([...servers].sort()).toEqual([...NAMES]);
  await eventually(() => (filesWith(site, "c", secret).length === 0 ? true : null));
  await post(site, "c", token, "all three again");
  const { servers: status } = await site.status("a");
  expect(status.map(({ name }) => name)).toEqual([...NAMES]);
});

test("under another name it is another server, and the one it was made of stays what it is", async () => {
  const site = new Site();
  await site.startAll(["a", "b"]);
  const token = await hall(site, "a");
  await post(site, "a", token, "before");
  const file = await backUp(site, "a", "a.backup");
  await restore(site, file, "a", "d");
  expect(existsSync(join(site.data("d"), "key"))).toBe(false);
  await site.start("d", ["--peer", site.address("a")]);
  await site.inSync(["a", "b", "d"]);
  await post(site, "d", token, "through d");
  for (const name of ["a", "b"])
    expect(await texts(site, name, token)).toEqual(["before", "through d"]);
  await same(site, "d");
});

test("[R2] a data directory put back from an old copy: what it lost comes from the others", async () => {
  const site = new Site();
  await site.startAll(NAMES);
  const token = await hall(site, "a");
  await post(site, "c", token, "in the copy");
  await site.process("c").stop();
  cpSync(site.data("c"), join(site.folder, "old"), { recursive: true });
  await site.start("c", ["--peer", site.address("a")]);
  await site.inSync(NAMES);
  const after: string[] = [];
  for (let i = 0; i < 20; i++) {
    after.push(`later ${i}`);
    await post(site, NAMES[i % 3] as string, token, `later ${i}`);
  }
  await site.process("c").stop();
  await post(site, "a", token, "while it was put back");
  rmSync(site.data("c"), { recursive: true });
  renameSync(join(site.folder, "old"), site.data("c"));
  await site.start("c", ["--peer", site.address("a")]);
  await site.inSync(NAMES);
  await post(site, "c", token, "by the old copy");
  const expected = ["in the copy", ...after, "while it was put back", "by the old copy"];
  for (const name of NAMES) expect(await texts(site, name, token)).toEqual(expected);
  await same(site, "c");
});

test("[R2, R94] a directory copied and started twice: refused where the other is met, united where it was not", async () => {
  const site = new Site();
  await site.startAll(["a", "b"]);
  const token = await hall(site, "a");
  await post(site, "b", token, "before the copy");
  await site.process("b").stop();
  cpSync(site.data("b"), site.data("copy"), { recursive: true });
  await site.process("a").stop();
  const copy = (more: readonly string[]) => {
    const own = ["--name", "b", "--data", site.data("copy"), "--listen", site.address("copy")];
    const args = [
      "serve",
      ...own,
      "--secret-file",
      site.secretFile,
      "--log-format",
      "text",
      ...more,
    ];
    return new HoldfastProcess(args, site.folder);
  };
  const alone = copy([]);
  await alone.ready();
  await post(site, "copy", token, "by the copy alone");
  await alone.stop();
  await site.start("a");
  await site.start("b", ["--peer", site.address("a")]);
  await site.inSync(["a", "b"]);
  await post(site, "b", token, "by the original");
  const met = copy(["--peer", site.address("a")]);
  await met.said(/another live server goes by the name b/);
  expect(await texts(site, "b", token)).toEqual(["before the copy", "by the original"]);
  await met.stop();
  await site.process("b").stop();
  const instead = copy(["--peer", site.address("a")]);
  await instead.ready();
  const all = ["before the copy", "by the copy alone", "by the original"];
  const complete = (at: string) =>
    eventually(async () => {
      const found = (await texts(site, at, token)).sort();
      return JSON.stringify(found) === JSON.stringify(all) ? true : null;
    });
  await complete("a");
  await complete("copy");
  await instead.stop();
  await site.start("b", ["--peer", site.address("a")]);
  await site.inSync(["a", "b"]);
  await complete("b");
  await same(site, "a");
});

/** A store of so many ops, made without a server. */
async function largeStore(site: Site, name: string, ops: number): Promise<void> {
  const store = await openStore({
    directory: site.data(name),
    server: name,
    clusterId: clusterIdOf(readSecret(site.secretFile)?.secret as Uint8Array),
    wallMs: () => 0,
  });
  const heard = listening(store.log);
  const origin = new TestOrigin(name, randomFrom(1));
  for (let done = 0; done < ops; done += 5_000) store.log.append(origin.ops(5_000));
  await heard.settled();
  await store.close();
}

test("killed in the middle: nothing under the name of the backup, and the next one takes the rest away", async () => {
  const site = new Site();
  await largeStore(site, "a", 60_000);
  const folder = join(site.folder, "backups");
  const old = join(folder, "old.backup");
  rmSync(folder, { recursive: true, force: true });
  await Bun.write(old, "an older one");
  const names = () => readdirSync(folder).sort();
  for (let i = 0; i < 5; i++) {
    const file = i % 2 === 0 ? join(folder, "new.backup") : old;
    const args = ["backup", file, "--data", site.data("a"), "--force"];
    const backup = new HoldfastProcess(args, site.folder);
    await eventually(() => (names().some((name) => name.endsWith(".unfinished")) ? true : null));
    backup.child.kill("SIGKILL");
    await backup.ended();
    expect(names().filter((name) => !name.endsWith(".unfinished"))).toEqual(["old.backup"]);
    expect(readFileSync(old, "utf8")).toBe("an older one");
  }
  await backUp(site, "a", "backups/new.backup");
  await run(site, "backup", old, "--data", site.data("a"), "--force");
  expect(names()).toEqual(["new.backup", "old.backup"]);
  expect((await run(site, "restore", old, "--check")).code).toBe(0);
});

test(`restoring that is killed leaves nothing that a server takes for a store`, async () => {
  const site = new Site();
  await largeStore(site, "a", 60_000);
  const file = await backUp(site, "a", "a.backup");
  for (let i = 0; i < 3; i++) {
    const data = join(site.folder, "r");
    const args = ["restore", file, "--data", data];
    const restoring = new HoldfastProcess(args, site.folder);
    await eventually(() => (existsSync(join(data, "restore-unfinished", "log.db")) ? true : null));
    restoring.child.kill("SIGKILL");
    await restoring.ended();
    expect(existsSync(join(data, "log.db"))).toBe(false);
    const serve = ["serve", "--name", "a", "--data", data, "--secret-file", site.secretFile];
    const refused = await run(site, ...serve, "--listen", "127.0.0.1:0");
    expect(refused.err).toContain("restore-unfinished");
    expect(refused.code).toBe(13);
  }
  await restore(site, file, "a", "r");
});

test.skipIf(noDisks !== null)(
  `a disk that is full leaves no backup and hurts no server${noDisks === null ? "" : ` (skipped: ${noDisks})`}`,
  async () => {
    const site = new Site();
    await largeStore(site, "a", 20_000);
    await site.start("a");
    const small = join(site.folder, "small");
    mountMemory(small, 4);
    fill(join(small, "others"), small, 300_000);
    const file = join(small, "a.backup");
    const { code, err } = await run(site, "backup", file, "--data", site.data("a"));
    expect(code).toBe(2);
    expect(err).toMatch(/storage_failed: no backup in .*a\.backup: .*ENOSPC.*; is the disk full/);
    expect(readdirSync(small)).toEqual(["others"]);
    const token = await hall(site, "a");
    await post(site, "a", token, "still here");
    const restored = await run(
      site,
      "restore",
      await backUp(site, "a", "b.backup"),
      "--data",
      join(small, "r"),
    );
    expect(restored.code).toBe(2);
    expect(readdirSync(small)).toEqual(["others"]);
  },
);

test("what can't be backed up or restored is said, with what to do", async () => {
  const site = new Site();
  await site.start("a");
  const backup = (...args: string[]) => run(site, "backup", ...args);
  await backUp(site, "a", "x.backup");
  expect(await backup("x.backup", "--data", "a")).toMatchObject({
    code: 2,
    err: expect.stringContaining("is there already; give another file, or --force"),
  });
  expect((await backup("y.backup", "--data", "nowhere")).err).toContain("holds no log of a server");
  expect((await backup("no/such/folder/y", "--data", "a")).err).toContain(
    "no such file or directory",
  );
  expect((await run(site, "restore", "x.backup")).err).toContain("--data DIR");
  expect((await run(site, "restore", "x.backup", "--data", "a")).err).toMatch(
    /holds a server's data already/,
  );
  expect((await run(site, "restore", "x.backup", "--data", "r", "--name", "A B")).code).toBe(2);
  expect(existsSync(join(site.folder, "r"))).toBe(false);
  const json = JSON.parse((await run(site, "restore", "x.backup", "--data", "r", "--json")).out);
  expect(json).toMatchObject({ name: "a", hasKey: true, backup: { server: "a", format: 1 } });
});
