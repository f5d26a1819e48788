/** The state of the cluster in words: what may still fail, and what is wrong where. */
import { expect, test } from "bun:test";
import type { ClusterStatus } from "../state/admin.ts";
import { budgetWords, faultBudget } from "../state/fault-budget.ts";
import {
  facts,
  isWell,
  type Server,
  span,
  stateWords,
  strangers,
  summary,
} from "./server-words.ts";

function server(name: string, more: Partial<Server> = {}): Server {
  const link = name === "a" ? "self" : "live";
  return {
    name,
    url: `http://${name}`,
    link,
    inSync: true,
    removed: false,
    quietMs: 0,
    lagOps: 0,
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

test("the summary says what may fail, who leads, who is not in sync, and whether writes are refused", () => {
  const all = [server("a"), server("b"), server("c")];
  expect(summary(status(all))).toBe("3 servers. 2 more servers may fail. Leader: a.");
  expect(summary(status([server("a")]))).toBe("One server: what it holds is on this one disk.");
  const down = [server("a"), server("b", { inSync: false, link: "none", out: "unlinked" })];
  expect(summary(status(down, { minCopies: 2 }))).toBe(
    "2 servers. No more server may fail. Leader: a. b is not in sync. " +
      "Writes are refused: 2 copies are asked for, 1 can be made.",
  );
  const removed = [...all, server("d", { removed: true, inSync: false })];
  expect(summary(status(removed))).toStartWith("3 servers.");
});

test("each state has its words", () => {
  const words = (more: Partial<Server>, of: Partial<ClusterStatus> = {}) => {
    const one = server("b", more);
    return stateWords(status([server("a"), one], of), one);
  };
  const out = (code: string, more: Partial<Server> = {}) =>
    words({ inSync: false, out: code, ...more });
  expect(words({})).toBe("In sync");
  expect(words({ link: "through" })).toBe("In sync through another server; no link");
  expect(out("catching_up", { unheldOps: 1 })).toBe("Not in sync: catching up, 1 op to go");
  expect(out("suspect", { silentMs: 900 })).toBe("Not in sync: silent for 0.9 s");
  expect(out("quiet", { quietMs: 4_000 })).toBe("Not in sync: on probation for 4.0 s");
  expect(out("quiet", { quietMs: 4_000, link: "none" })).toBe("Not in sync: no link");
  expect(out("something_new")).toBe("Not in sync: something_new");
  expect(words({ removed: true })).toBe("Removed from the cluster");
  const link = { server: "b", address: "b:1", state: "failed", by: "here", forMs: 90_000 };
  const refused = { ...link, problem: "no_route", reason: "no route to b:1" };
  const cut = words({ inSync: false, out: "unlinked", link: "none" }, { links: [refused] });
  expect(cut).toBe("Not in sync: no route to b:1 (for 90 s)");
  const own = server("a", { lagOps: 7 });
  const behind = status([own], { behind: true });
  expect(stateWords(behind, own)).toBe("Behind by 7 ops");
  expect(isWell(behind, own)).toBe(false);
  const catchUp = { doneOps: 250, totalOps: 1_000, perSecond: 50 };
  const busy = status([own], { behind: true, catchUp });
  expect(stateWords(busy, own)).toBe("Catching up: 250 of 1000 ops, 15 s to go");
  const begun = status([own], { behind: true, catchUp: { ...catchUp, doneOps: 0, perSecond: 0 } });
  expect(stateWords(begun, own)).toBe("Catching up: 0 of 1000 ops");
  expect(words({ link: "suspect" })).toBe("In sync through another server; its link is silent");
});

test("addresses of nobody known and refused peers are listed, links that stand are not", () => {
  const links = [
    { address: "c:1", state: "failed", by: "here", forMs: 3_000, reason: "nothing listens there" },
    {
      server: "x",
      address: "x:1",
      state: "refused",
      by: "there",
      forMs: 0,
      reason: "wrong secret",
    },
    { server: "b", address: "b:1", state: "linked", by: "here", forMs: 9_000 },
    { server: "b", address: "b:1", state: "failed", by: "here", forMs: 9_000 },
  ];
  expect(strangers(status([server("a"), server("b")], { links }))).toEqual([
    "No link to c:1: nothing listens there (for 3.0 s)",
    "Refused x from x:1: wrong secret (for 0.0 s)",
  ]);
});

test("figures are told where they are known", () => {
  const b = server("b", {
    lagOps: 2,
    unheldOps: 5,
    fsyncMs: 1.25,
    clockOffsetMs: -30,
    silentMs: 80,
  });
  expect(facts(b)).toEqual([
    ["Lag", "5 ops"],
    ["Disk sync", "1.3 ms"],
    ["Clock", "30 ms behind"],
    ["Last heard", "0.1 s ago"],
  ]);
  expect(facts(server("a", { clockOffsetMs: 0, silentMs: 0 }))).toEqual([["Lag", "0 ops"]]);
  expect(facts(server("c", { link: "none" }))).toEqual([]);
  expect([span(500), span(11_000), span(150_000), span(9_000_000)]).toEqual([
    "0.5 s",
    "11 s",
    "3 min",
    "3 h",
  ]);
});

test("the fault budget of everybody: servers in sync beside this one, and nothing where none is told", () => {
  const entry = (name: string, inSync?: boolean) => ({
    name,
    url: `http://${name}`,
    state: "live" as const,
    ...(inSync === undefined ? {} : { inSync }),
  });
  expect(faultBudget([entry("a", true), entry("b", true), entry("c", false)])).toBe(1);
  expect(faultBudget([entry("a", true), entry("b", false)])).toBe(0);
  expect(faultBudget([entry("a", true)])).toBeUndefined();
  expect(faultBudget([entry("a"), entry("b")])).toBeUndefined();
  expect(faultBudget(undefined)).toBeUndefined();
  expect([0, 1, 2].map(budgetWords)).toEqual([
    "No more server may fail",
    "1 more server may fail",
    "2 more servers may fail",
  ]);
});
