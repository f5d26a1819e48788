/** Who may link as members come and go, and as the secret changes: on a network that is arrays. */
import { expect, test } from "bun:test";
import { type Host, Net } from "../../test/mesh-net.ts";
import { fromBase64Url, toBase64Url } from "../core/bytes.ts";
import { HAND_OVER_MS } from "../core/limits.ts";
import type { ToldSecret } from "../protocol/peer-link.ts";
import { type LinkSecret, linkSecret } from "./link-secret.ts";
import type { Keyring } from "./secret-spread.ts";

const a7300 = "http://a:7300";
const b7300 = "http://b:7300";

/** Names that a host has links to. */
const linksOf = ({ ear }: Host) => [...ear.links.values()].map(({ name }) => name).sort();

/** Problems that a host's status names. */
const problemsOf = ({ mesh }: Host) => mesh.status().map(({ problem }) => problem);

class TestRing implements Keyring {
  told: readonly LinkSecret[];
  private generation = 0;

  constructor(first: LinkSecret) {
    this.told = [first];
  }

  become(secret: LinkSecret, generation: number): void {
    this.told = [secret, ...this.told];
    this.generation = generation;
  }

  present() {
    const secret = toBase64Url(this.told[0]?.key as Uint8Array);
    return { cluster: "one-cluster", generation: this.generation, secret };
  }

  async adopt({ generation, secret }: ToldSecret): Promise<boolean> {
    if (generation <= this.generation) return false;
    this.become(linkSecret(fromBase64Url(secret) as Uint8Array), generation);
    return true;
  }
}

test("[R93, R97] a removed server has a minute to hand over what it has, then it is refused and told", () => {
  for (const wasLinked of [true, false]) {
    const net = new Net();
    // What b knows of itself is what it was when it was cut off.
    const members = { get: () => undefined, list: () => [] };
    const [a, b] = [net.host("a", []), net.host("b", [a7300], { members })];
    net.record("b", b.key.publicText, { isRemoved: !wasLinked });
    a.mesh.start();
    b.mesh.start();
    net.pass(3_000);
    if (wasLinked) {
      net.pass(600_000);
      net.record("b", b.key.publicText, { isRemoved: true });
      net.pass(3_000);
    }
    expect([linksOf(a), linksOf(b)]).toEqual([["b"], ["a"]]);
    b.ear.to("a").send("what only b has");
    net.pass(1_000);
    expect(a.ear.notes).toContain("b: what only b has");
    // Each time that it comes back the same minute counts.
    [...net.pipes][0]?.break();
    net.pass(2 * HAND_OVER_MS);
    expect([linksOf(a), linksOf(b)]).toEqual([[], []]);
    const why = "server b was removed from the cluster";
    expect(b.log.join()).toContain(`no link to server a any more: refused by server a: ${why}`);
    expect(a.log.join()).toContain(`no link to server b any more: ${why}`);
    expect(problemsOf(b)).toEqual(["removed"]);
    expect(problemsOf(a)).toEqual(["removed"]);
    // It is let in again once it is a member again, and by no other name before that.
    const other = net.host("z", [a7300], { key: b.key, members });
    other.mesh.start();
    net.pass(10_000);
    expect(problemsOf(other)).toEqual(["removed"]);
    net.kill(other);
    net.record("b", b.key.publicText);
    net.pass(10_000);
    expect(linksOf(a)).toEqual(["b"]);
  }
});

test("[R90] a changed secret gets to all, also to who was away, and to nobody without a recorded key", async () => {
  const net = new Net();
  const secrets = [1, 2].map((n) => linkSecret(new Uint8Array(32).fill(n))) as [
    LinkSecret,
    LinkSecret,
  ];
  const ring = () => new TestRing(secrets[0]);
  const rings = { a: ring(), b: ring(), c: ring() };
  const hosts = Object.entries(rings).map(([name, keyring]) =>
    net.host(name, name === "a" ? [] : [name === "c" ? b7300 : a7300], { keyring }),
  );
  const [a, b, c] = hosts as [Host, Host, Host];
  for (const { url, key } of hosts) net.record(new URL(url).hostname, key.publicText, { url: "" });
  a.mesh.start();
  b.mesh.start();
  const settle = async () => {
    for (let i = 0; i < 20; i++) {
      net.pass(500);
      await Bun.sleep(0); // adopting is asynchronous
    }
  };
  await settle();
  rings.a.become(secrets[1], 1);
  a.mesh.spread.spread();
  await settle();
  expect(rings.b.told.map(({ id }) => id)).toEqual([secrets[1].id, secrets[0].id]);
  expect(a.mesh.spread.holders()).toEqual(["b"]);
  expect(linksOf(a)).toEqual(["b"]); // the link went on
  // c was away, and a is not there when it comes back: b tells it.
  net.kill(a);
  c.mesh.start();
  await settle();
  expect(rings.c.told[0]?.id).toBe(secrets[1].id);
  expect(linksOf(b)).toEqual(["c"]);
  // Somebody knows the old secret, and nobody knows its key.
  const x = net.host("x", [b7300], { keyring: ring() });
  x.mesh.start();
  await settle();
  expect(problemsOf(x)).toEqual(["old_secret"]);
  expect(x.log.join()).toContain("let the one that was away join anew");
  expect(b.log.join()).toContain("let the one that was away join anew");
});

test("[R93, R111] releases whose versions overlap link; those that share none say which they speak", () => {
  for (const [mine, theirs, linked] of [
    [[1, 1], [1, 2], true],
    [[1, 2], [2, 5], true],
    [[3, 4], [1, 3], true],
    [[1, 1], [2, 3], false],
    [[4, 9], [2, 3], false],
  ] as const) {
    const net = new Net();
    const self = (name: string, [versionMin, versionMax]: readonly [number, number]) => ({
      versionMin,
      versionMax,
      cluster: "one-cluster",
      server: name,
      store: `store-of-${name}`,
      url: `http://${name}:7300`,
      release: `0.${versionMax}.0`,
    });
    const a = net.host("a", [], { self: self("a", mine) });
    const b = net.host("b", [a7300], { self: self("b", theirs) });
    a.mesh.start();
    b.mesh.start();
    net.pass(3_000);
    expect([linksOf(a), linksOf(b)]).toEqual(linked ? [["b"], ["a"]] : [[], []]);
    if (linked) continue;
    for (const host of [a, b]) {
      expect(problemsOf(host)).toEqual(["version"]);
      expect(host.log.join()).toContain(`server a (versions ${mine[0]} to ${mine[1]})`);
      expect(host.log.join()).toContain(`server b (versions ${theirs[0]} to ${theirs[1]})`);
    }
  }
});

/** Servers that beat, as replicas do: a link that says nothing counts as silent. */
function beating(net: Net, hosts: readonly Host[], ms: number): void {
  for (let at = 0; at < ms; at += 100) {
    for (const { ear } of hosts) for (const link of ear.links.keys()) link.send("beat");
    net.pass(100);
  }
}

/** Two processes with the key of b, started from one disk that was copied. */
function copied(net: Net, peersOfTwin: readonly string[]) {
  const a = net.host("a", []);
  const c = net.host("c", [a7300]);
  const b = net.host("b", [a7300]);
  const more = { key: b.key, url: "http://twin:7300", store: "store-of-twin" };
  const twin = net.host("b", peersOfTwin, more);
  return { a, b, c, twin, all: [a, b, c, twin] };
}

test("[R94] a second process under a name is refused also where only a third server meets both", () => {
  const net = new Net();
  const { a, b, c, twin, all } = copied(net, ["http://c:7300"]);
  for (const { mesh } of [a, b, c]) mesh.start();
  beating(net, all, 2_000);
  expect([linksOf(a), linksOf(b), linksOf(c)]).toEqual([["b", "c"], ["a"], ["a"]]);
  twin.mesh.start();
  beating(net, all, 10_000);
  expect([linksOf(c), linksOf(twin)]).toEqual([["a"], []]);
  for (const host of [c, twin]) {
    expect(problemsOf(host)).toContain("name_in_use");
    expect(host.log.join()).toContain("another live server goes by the name b");
  }
  // The first goes on; once it is gone the name is free.
  expect(linksOf(b)).toEqual(["a"]);
  net.kill(b);
  beating(net, [a, c, twin], 10_000);
  expect(linksOf(twin)).toEqual(["c"]);
});

test("[R94] two that got one name while their servers were apart: one is told when these meet again", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const net = new Net(seed);
    const { a, b, c, twin, all } = copied(net, ["http://c:7300"]);
    const apart = new Set(["b"]);
    for (const { mesh } of all) mesh.start();
    // Links of b aside, a and c do not see each other: neither hears of the other's b.
    a.mesh.sever(new Set(["c"]));
    c.mesh.sever(new Set(["a"]));
    beating(net, all, 3_000);
    expect([linksOf(a), linksOf(c)]).toEqual([[...apart], [...apart]]);
    a.mesh.sever(new Set());
    c.mesh.sever(new Set());
    beating(net, all, 20_000);
    expect([linksOf(b), linksOf(twin)].sort()).toEqual([
      [],
      [linksOf(b)[0] ?? linksOf(twin)[0]],
    ] as string[][]);
    const loser = linksOf(b).length === 0 ? b : twin;
    expect(loser.log.join()).toContain("another live server goes by the name b");
    const notes = [...a.ear.notes, ...c.ear.notes].filter((note) => note === "unlinked b");
    expect(notes).toHaveLength(1); // the other one was never given up
  }
});

test("[R94] a server that died and comes back is no second one, whoever heard of the first", () => {
  const net = new Net();
  const { a, b, c, all } = copied(net, []);
  for (const { mesh } of [a, b, c]) mesh.start();
  beating(net, all, 2_000);
  net.kill(b);
  const again = net.host("b", ["http://c:7300"], { key: b.key, store: "store-of-b" });
  again.mesh.start();
  beating(net, [a, c, again], 2_000);
  expect(linksOf(again)).toEqual(["c"]);
});
