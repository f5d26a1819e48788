import { expect, test } from "bun:test";
import { cells } from "./printable.ts";
import { type ClusterStatus, statusText } from "./status-text.ts";

type Server = ClusterStatus["servers"][number];

function server(name: string, more: Partial<Server> = {}): Server {
  return {
    name,
    url: `http://${name}:7300`,
    link: "live",
    inSync: true,
    removed: false,
    quietMs: 0,
    lagOps: 0,
    fsyncMs: 1.234,
    clockOffsetMs: -3,
    ...more,
  };
}

function status(servers: Server[], more: Partial<ClusterStatus> = {}): ClusterStatus {
  return {
    server: "a",
    store: "s",
    leader: "a",
    behind: false,
    removed: false,
    minCopies: 1,
    faultBudget: servers.filter(({ inSync }) => inSync).length - 1,
    servers,
    links: [],
    ...more,
  };
}

const self = server("a", { link: "self" });
const broken = (problem: string, reason: string, name = "c") => ({
  server: name,
  address: `http://${name}:7300`,
  state: "failed",
  by: "here",
  forMs: 12_300,
  problem,
  reason,
});

test("a healthy cluster in one look", () => {
  expect(statusText(status([self, server("b"), server("c")]))).toBe(
    [
      "3 servers: 2 more servers may fail and nothing is lost. Leader: a.",
      "",
      "   server  lag  fsync   clock  address        state",
      "*  a       0    1.2 ms         http://a:7300  this server",
      "   b       0    1.2 ms  -3 ms  http://b:7300  in sync",
      "   c       0    1.2 ms  -3 ms  http://c:7300  in sync",
    ].join("\n"),
  );
});

test("where the table has no room each server has short lines of its own", () => {
  const out = { inSync: false, out: "unlinked", link: "none" };
  const { fsyncMs: _fsync, clockOffsetMs: _clock, ...c } = server("c", out);
  const links = [broken("refused", "nothing listens there")];
  expect(statusText(status([self, server("b"), c], { links }), 50)).toBe(
    [
      "3 servers: 1 more server may fail and nothing is",
      "  lost. Leader: a.",
      "",
      "* a: this server",
      "    http://a:7300",
      "    lag 0, fsync 1.2 ms",
      "  b: in sync",
      "    http://b:7300",
      "    lag 0, fsync 1.2 ms, clock -3 ms",
      "  c: not in sync: nothing listens there (for 12 s)",
      "    http://c:7300",
    ].join("\n"),
  );
});

test("no line is longer than the terminal, and nothing is left out", () => {
  const far = server("a-server-with-a-long-name", {
    url: "https://a-server-with-a-long-name.chat.example.org:7300",
    link: "through",
    lagOps: 123_456,
  });
  const links = [
    broken("timed_out", "no answer: perhaps a firewall drops what is sent", far.name),
    { ...broken("refused", "another secret"), server: undefined, address: "10.0.0.9:7300" },
  ] as ClusterStatus["links"];
  const all = status([self, far], { links, minCopies: 3, faultBudget: 0 });
  const words = (text: string) => new Set(text.split(/\s+/));
  for (let width = 20; width <= 200; width++) {
    const text = statusText(all, width);
    for (const line of text.split("\n")) expect(cells(line)).toBeLessThanOrEqual(width);
    if (width < 70) continue; // below that long words are broken
    for (const word of ["123456", far.name, far.url, "10.0.0.9:7300", "firewall"]) {
      expect([...words(text)].some((one) => one.includes(word))).toBe(true);
    }
  }
});

test("the fault budget is said first, whatever it is", () => {
  const first = (text: string) => text.split("\n")[0];
  expect(first(statusText(status([self])))).toBe("1 server: what it holds is on this one disk.");
  const out = { inSync: false, out: "unlinked", link: "none" };
  expect(first(statusText(status([self, server("b"), server("c", out)])))).toContain(
    "3 servers: 1 more server may fail and nothing is lost",
  );
  const alone = status([self, server("b", out), server("c", out)], { minCopies: 2 });
  expect(first(statusText(alone))).toBe(
    "3 servers: none may fail: what is written now is on this server only. Leader: a. Writes are refused: 2 copies are asked for, 1 can be made.",
  );
});

test("what is wrong with a server stands beside it", () => {
  const out = (reason: string, more: Partial<Server> = {}) =>
    statusText(status([self, server("c", { inSync: false, out: reason, ...more })]));
  expect(out("suspect", { link: "suspect", silentMs: 1_240 })).toContain(
    "not in sync: silent for 1.2 s",
  );
  expect(out("catching_up", { unheldOps: 4_711 })).toContain("catching up, 4711 ops to go");
  expect(out("disk")).toContain("its disk takes no writes");
  expect(out("quiet", { quietMs: 4_000 })).toContain("on probation for 4.0 s");
  const links = [broken("connection_refused", "nothing listens there")];
  const gone = server("c", { link: "none", inSync: false, out: "unlinked" });
  expect(statusText(status([self, gone], { links }))).toContain(
    "not in sync: nothing listens there (for 12 s)",
  );
  const through = server("c", { link: "through" });
  expect(statusText(status([self, server("b"), through], { links }))).toContain(
    "in sync through another server; nothing listens there (for 12 s)",
  );
});

test("how far this server has come with what it lacks", () => {
  const own = server("a", { link: "self", lagOps: 750 });
  const says = (more: Partial<ClusterStatus>) => statusText(status([own, server("b")], more));
  expect(says({ behind: true })).toContain("this server, behind by 750");
  const catchUp = { doneOps: 250, totalOps: 1_000, perSecond: 50 };
  expect(says({ behind: true, catchUp })).toContain(
    "this server, catching up: 250 of 1000 ops, 50/s, 15 s to go",
  );
  expect(says({ behind: true, catchUp: { ...catchUp, doneOps: 0, perSecond: 0 } })).toMatch(
    /catching up: 0 of 1000 ops, 0\/s$/m,
  );
  const silent = server("c", { link: "suspect", silentMs: 1_240 });
  expect(statusText(status([self, server("b"), silent]))).toContain(
    "in sync through another server; its link is silent for 1.2 s",
  );
});

test("addresses of nobody known, and who is refused, get a line of their own", () => {
  const { server: _, ...nobody } = broken("timed_out", "no answer: is a firewall in between?");
  const refused = {
    ...broken("name_in_use", "another live server goes by the name b", "b"),
    address: "10.0.0.9",
    by: "there",
    state: "refused",
  };
  const text = statusText(status([self, server("b")], { links: [nobody, refused] }));
  expect(text).toContain(
    "no link to http://c:7300: no answer: is a firewall in between? (for 12 s)",
  );
  expect(text).toContain(
    "refused b from 10.0.0.9: another live server goes by the name b (for 12 s)",
  );
});

test("what a peer says of itself does nothing to a terminal", () => {
  const text = statusText(status([self, server("b", { url: "http://b\u001b[2J" })]));
  expect(text).not.toContain("\u001b");
});
