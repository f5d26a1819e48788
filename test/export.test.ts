/** `holdfast export` of real servers: what is in it, what is not, and that it is the same of a stopped one. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { resultOf, Site } from "./cluster-processes.ts";
import { cleanUp, holdfast, signUp } from "./server-process.ts";

setDefaultTimeout(120_000);
afterEach(cleanUp);

const newId = () => Bun.randomUUIDv7();
type Line = { type: string; id?: string; [member: string]: unknown };

const parse = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

async function exported(site: Site, ...args: string[]): Promise<Line[]> {
  const { code, out, err } = await holdfast(site.folder, ["export", "--json", ...args]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return parse(out);
}

async function people(site: Site) {
  await site.start("a");
  const call = async (method: string, params: object, token: string) =>
    resultOf(await site.call("a", method, { ...params, id: newId() }, token));
  const ann = await signUp(site.url("a"), "ann");
  const bob = await signUp(site.url("a"), "bob");
  const gone = await signUp(site.url("a"), "gone");
  await call("channel.create", { name: "hall", topic: "all of it" }, ann);
  await call("channel.create", { name: "secret", private: true }, bob);
  const said = async (to: string, text: string, token: string) =>
    ((await call("message.post", { to, text }, token)).message as { id: string }).id;
  await said("#hall", "hello", ann);
  await said("@bob", "between us", ann);
  const typo = await said("#hall", "helo", ann);
  await call("message.edit", { message: typo, text: "hello again" }, ann);
  const regretted = await said("#hall", "never mind", ann);
  await call("message.delete", { message: regretted }, ann);
  await said("#secret", "only for bob", bob);
  await said("@gone", "are you there?", bob);
  await call("account.delete", { password: "correct horse" }, gone);
  return { ann, bob, said };
}

test("everything that people said and who they are; nothing that opens anything", async () => {
  const site = new Site();
  const { ann, bob } = await people(site);
  const lines = await exported(site, "--data", site.data("a"));
  const of = (type: string) => lines.filter((line) => line.type === type);
  expect(lines[0]).toMatchObject({ type: "export", format: 1, server: "a" });
  expect(lines.at(-1)).toEqual({ type: "end", lines: lines.length });
  const names = of("account").map(({ name, deleted }) => (deleted === true ? "(deleted)" : name));
  expect(names.sort()).toEqual(["(deleted)", "ann", "bob"]);
  expect(of("channel").map(({ name, topic, private: hidden }) => [name, topic, hidden])).toEqual(
    expect.arrayContaining([
      ["hall", "all of it", false],
      ["secret", "", true],
    ]),
  );
  expect(of("member").map(({ standing }) => standing)).toEqual(["owner", "owner"]);
  expect(of("direct")).toHaveLength(2);
  const messages = of("message");
  expect(messages.map(({ text }) => text ?? null).sort()).toEqual(
    [null, "are you there?", "between us", "hello", "hello again", "only for bob"].sort(),
  );
  expect(messages.find(({ text }) => text === "hello again")?.edited).toBe(true);
  expect(messages.find(({ deleted }) => deleted === true)).not.toHaveProperty("text");
  const ids = new Set(of("account").map(({ id }) => id));
  for (const { author } of messages) expect(ids.has(author as string)).toBe(true);
  const text = JSON.stringify(lines);
  expect(text).not.toContain("argon2");
  expect(text).not.toMatch(/"(?:password|tokens?|hash|code|key)"/);
  for (const token of [ann, bob]) {
    expect(text).not.toContain(token);
    const hash = new Bun.CryptoHasher("sha256").update(token).digest("base64url");
    expect(text).not.toContain(hash);
  }
});

test("in one order, the same of a running and of a stopped server, and to a file", async () => {
  const site = new Site();
  const { ann, said } = await people(site);
  for (let i = 0; i < 10; i++) await said("#hall", `number ${i}`, ann);
  const running = await exported(site, "--data", site.data("a"));
  const messages = running.filter(({ type }) => type === "message");
  const places = messages.map(({ conversation, position }) => `${conversation} ${position}`);
  expect(places).toEqual([...places].sort());
  expect(messages).toHaveLength(16);
  const file = join(site.folder, "all.jsonl");
  const args = ["export", "--json", "--data", site.data("a"), "--to", file];
  expect((await holdfast(site.folder, args)).code).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const again = await holdfast(site.folder, args);
  expect([again.code, again.err]).toEqual([2, expect.stringContaining("is there already")]);
  await site.process("a").stop();
  const stopped = await exported(site, "--data", site.data("a"));
  for (const other of [parse(readFileSync(file, "utf8")), stopped]) {
    expect(other.slice(1)).toEqual(running.slice(1));
    expect({ ...other[0], made: "" }).toMatchObject({ ...running[0], made: "" });
  }
});

test("where there is nothing to export, that is said", async () => {
  const site = new Site();
  const { code, err } = await holdfast(site.folder, ["export", "--json", "--data", "nowhere"]);
  expect([code, err]).toEqual([2, expect.stringContaining("holds no data of a server")]);
});
