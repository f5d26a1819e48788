import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigFolder, configPath } from "./config-folder.ts";
import { type KeptSession, SessionStore } from "./session-store.ts";

let root: string;
let told: string[];
let store: SessionStore;

beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), "holdfast-config-")), "holdfast");
  told = [];
  store = new SessionStore(new ConfigFolder(root, (text) => told.push(text)));
});
afterEach(() => rmSync(join(root, ".."), { recursive: true, force: true }));

const session = (cluster: string, name = "ann", token = "hft_1"): KeptSession => ({
  cluster,
  servers: ["http://127.0.0.1:7300"],
  account: { id: `a_${name}`, name },
  token,
});
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test("remembers sessions side by side, the one used last is the current one", () => {
  expect(store.current()).toBeUndefined();
  store.keep(session("c1"));
  store.keep(session("c2", "bob"));
  expect(store.current()).toEqual(session("c2", "bob"));
  expect(store.of("c1")).toEqual(session("c1"));
  expect(store.all().map(({ cluster }) => cluster)).toEqual(["c1", "c2"]);
});

test("nobody else can read what is kept", () => {
  store.keep(session("c1"));
  expect(modeOf(join(root, "clusters/c1/session.json"))).toBe("600");
  for (const folder of [".", "clusters", "clusters/c1"])
    expect(modeOf(join(root, folder))).toBe("700");
  expect(told).toEqual([]);
});

test("a file that others can read is closed, and that is said", () => {
  store.keep(session("c1"));
  const path = join(root, "clusters/c1/session.json");
  chmodSync(path, 0o644);
  expect(store.current()).toEqual(session("c1"));
  expect(modeOf(path)).toBe("600");
  expect(told.join()).toContain(path);
});

test("an address belongs to the cluster that was found there last", () => {
  const both = ["http://127.0.0.1:7300", "http://10.0.0.1:7300"];
  store.keep(session("c1"));
  store.keep({ ...session("c2"), servers: both });
  store.takeOver("c3", ["http://127.0.0.1:7300"]);
  expect(store.of("c1")).toBeUndefined();
  expect(store.of("c2")?.servers).toEqual(["http://10.0.0.1:7300"]);
});

test("a folder that everybody may write to is no place for a token", () => {
  const open = join(root, "..", "open");
  mkdirSync(open);
  chmodSync(open, 0o777);
  const there = new SessionStore(new ConfigFolder(`${open}/`, () => {}));
  expect(() => there.keep(session("c1"))).toThrow("choose a folder of your own");
  expect(modeOf(open)).toBe("777");
});

test("a write leaves no draft behind, also where one was cut short", () => {
  store.keep(session("c1"));
  writeFileSync(join(root, "clusters/c1/session.json.99-1.new"), "{");
  store.keep(session("c1", "ann", "hft_2"));
  expect(store.current()?.token).toBe("hft_2");
  expect(store.all()).toHaveLength(1);
  expect(readdirSync(join(root, "clusters/c1")).filter((name) => name.includes("-2"))).toEqual([]);
});

test("a damaged file is no session", () => {
  store.keep(session("c1"));
  for (const text of ["", "{", "[]", '{"cluster":"c1"}', '{"cluster":"c2","token":"x"}']) {
    writeFileSync(join(root, "clusters/c1/session.json"), text, { mode: 0o600 });
    expect(store.current()).toBeUndefined();
  }
});

test("whatever a server calls its cluster, files stay below the folder", () => {
  for (const cluster of ["../../evil", "/etc/passwd", ".", "a/b", "ü", "x".repeat(300)]) {
    store.keep(session(cluster));
    expect(store.of(cluster)?.cluster).toBe(cluster);
  }
  expect(readdirSync(join(root, ".."))).toEqual(["holdfast"]);
  expect(readdirSync(root).sort()).toEqual(["clusters", "current"]);
});

test("forgetting a session leaves the one that took its place", () => {
  store.keep(session("c1", "ann", "hft_2"));
  store.forget(session("c1", "ann", "hft_1"));
  expect(store.current()?.token).toBe("hft_2");
  store.forget(session("c1", "ann", "hft_2"));
  expect(store.current()).toBeUndefined();
  expect(existsSync(join(root, "current"))).toBe(false);
});

test("the chat keeps cursor and outbox per account, one-shot commands neither", () => {
  const ann = session("c1");
  store.keep(ann);
  const chat = store.chatStorage(ann, true);
  chat.set("cursor", "1");
  chat.set("outbox/id-1", "2");
  expect(new Map(chat.list("")).get("outbox/id-1")).toBe("2");
  expect(chat.list("outbox/")).toEqual([["outbox/id-1", "2"]]);
  const again = store.chatStorage(ann, true);
  expect(new Map(again.list("")).get("cursor")).toBe("1");
  const keys = (storage: typeof chat) => storage.list("").map(([k]) => k);
  expect(keys(store.chatStorage(session("c1", "bob"), true))).toEqual(["session"]);
  expect(keys(store.chatStorage(ann, false))).toEqual(["session", "cursor"]);
  const shot = store.sessionStorage(ann);
  shot.set("cursor", "9");
  expect(keys(shot)).toEqual(["session"]);
  expect(new Map(again.list("")).get("cursor")).toBe("1");
  chat.set("outbox/id-1", undefined);
  expect(chat.list("outbox/")).toEqual([]);
});

test("a session that the server ended is forgotten", () => {
  const ann = session("c1");
  store.keep(ann);
  store.sessionStorage(ann).set("session", undefined);
  expect(store.current()).toBeUndefined();
});

test("the folder is where the user's settings are", () => {
  expect(configPath({ HOLDFAST_CONFIG_DIR: "/x" })).toBe("/x");
  expect(configPath({ XDG_CONFIG_HOME: "/conf", HOME: "/home/a" })).toBe("/conf/holdfast");
  expect(configPath({ XDG_CONFIG_HOME: "conf", HOME: "/home/a" })).toBe("/home/a/.config/holdfast");
  expect(configPath({ HOME: "/home/a" })).toBe("/home/a/.config/holdfast");
});
