import { expect, test } from "bun:test";
import { heavy } from "../../test/heavy.ts";
import { type Host, Net } from "../../test/mesh-net.ts";
import { LINK_BACKLOG_BYTES_MAX, PEER_FRAME_BYTES_MAX, REDIAL_MS_MAX } from "../core/limits.ts";
import { freshKey } from "./server-key.ts";

const SEEDS = heavy(40, 2_000);
const a7300 = "http://a:7300";
const b7300 = "http://b:7300";

/** Names that a host has links to. */
const linksOf = ({ ear }: Host) => [...ear.links.values()].map(({ name }) => name).sort();

function pair(net = new Net()): [Net, Host, Host] {
  const [a, b] = [net.host("a", [b7300]), net.host("b", [])];
  a.mesh.start();
  b.mesh.start();
  net.pass(500);
  return [net, a, b];
}

/** Problems that a host's status names. */
const problemsOf = ({ mesh }: Host) => mesh.status().map(({ problem }) => problem);

test("[R90] a link hands over who is at the other end, and frames in order", () => {
  const [net, a, b] = pair();
  expect(a.ear.links.get(a.ear.to("b"))).toEqual({
    name: "b",
    storeId: "store-of-b",
    key: b.key.publicText,
    url: b7300,
    wallMs: expect.any(Number),
    release: "0.1.0",
  });
  a.ear.to("b").send("one");
  a.ear.to("b").send(new Uint8Array(PEER_FRAME_BYTES_MAX));
  a.ear.to("b").send("three");
  b.ear.to("a").send("four");
  net.pass(50);
  expect(b.ear.notes).toEqual([
    "linked a",
    "a: one",
    `a: ${PEER_FRAME_BYTES_MAX} bytes`,
    "a: three",
  ]);
  expect(a.ear.notes).toEqual(["linked b", "b: four"]);
});

test("[R92] servers that dial each other at once keep one link, and nobody loses one on the way", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const net = new Net(seed);
    net.delayMs = () => 1 + ((net.random.bytes(1)[0] as number) % 40);
    const names = ["a", "b", "c"];
    const urls = names.map((name) => `http://${name}:7300`);
    const hosts = names.map((name) =>
      net.host(
        name,
        urls.filter((url) => !url.includes(name)),
      ),
    );
    for (const { mesh } of hosts) mesh.start();
    net.pass(8_000);
    for (const host of hosts) {
      const others = names.filter((name) => !host.url.includes(name));
      expect(linksOf(host), `seed ${seed}`).toEqual(others);
      expect(
        host.ear.notes.filter((note) => note.startsWith("unlinked")),
        `seed ${seed}`,
      ).toEqual([]);
    }
    // Both ends are of one connection: what one sends the other hears.
    const [a, b] = hosts as [Host, Host];
    a.ear.to("b").send("still there?");
    net.pass(200);
    expect(b.ear.notes).toContain("a: still there?");
    expect(net.pipes.size).toBe(3);
  }
});

test("[R92] of two dialled at the same moment the one of the smaller name stays", () => {
  const net = new Net();
  const [a, b] = [net.host("a", [b7300]), net.host("b", [a7300])];
  b.mesh.start();
  a.mesh.start();
  net.pass(5_000);
  expect(
    net.dials
      .slice(0, 2)
      .map(({ from }) => from)
      .sort(),
  ).toEqual([a7300, b7300]);
  expect(a.mesh.status().map(({ by, state }) => [by, state])).toEqual([["here", "linked"]]);
  expect(b.mesh.status().map(({ by, state }) => [by, state])).toEqual([["there", "linked"]]);
});

test("[R92] two addresses of one server lead to one link, and none is given up for the other", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const net = new Net(seed);
    net.delayMs = () => 1 + ((net.random.bytes(1)[0] as number) % 40);
    const alias = "http://b-by-another-name:7300";
    const [a, b] = [net.host("a", [alias, b7300]), net.host("b", [])];
    net.hosts.set(alias, b);
    for (const { mesh } of [a, b]) mesh.start();
    net.pass(8_000);
    expect([linksOf(a), linksOf(b)], `seed ${seed}`).toEqual([["b"], ["a"]]);
    expect([a.ear.notes, b.ear.notes], `seed ${seed}`).toEqual([["linked b"], ["linked a"]]);
  }
});

test("[R92] who dials again knows that its link is gone: it is not made to wait", () => {
  const [net, a, b] = pair();
  a.ear.to("b").send("beat");
  net.pass(5);
  const [pipe] = net.pipes;
  pipe?.breakFor("dialler");
  net.pass(450);
  expect(linksOf(a)).toEqual(["b"]);
  expect(b.ear.notes).toEqual(["linked a", "a: beat", "unlinked a", "linked a"]);
});

test("[R92] an end that is gone without a word gives way to the same server's next link", () => {
  for (const gone of ["a", "b"]) {
    const [net, a, b] = pair();
    net.record("a", a.key.publicText);
    net.record("b", b.key.publicText);
    const [pipe] = net.pipes;
    pipe?.breakFor(gone === "a" ? "dialler" : "acceptor");
    const [other, lost] = gone === "a" ? [b, a] : [a, b];
    net.pass(10_000);
    expect(linksOf(a)).toEqual(["b"]);
    expect(linksOf(b)).toEqual(["a"]);
    expect(lost.ear.notes.slice(1, 2)).toEqual([`unlinked ${gone === "a" ? "b" : "a"}`]);
    expect(other.ear.notes.filter((note) => note.startsWith("linked"))).toHaveLength(2);
    a.ear.to("b").send("again");
    net.pass(50);
    expect(b.ear.notes.at(-1)).toBe("a: again");
  }
});

test("[R92] a server that was told of one learns the others from the members", () => {
  const net = new Net();
  const hosts = [net.host("a", []), net.host("b", [a7300]), net.host("c", [a7300])];
  for (const { mesh } of hosts) mesh.start();
  net.pass(500);
  expect(hosts.map(linksOf)).toEqual([["b", "c"], ["a"], ["a"]]);
  for (const [i, name] of ["a", "b", "c"].entries()) net.record(name, hosts[i]!.key.publicText);
  net.pass(3_000);
  expect(hosts.map(linksOf)).toEqual([
    ["b", "c"],
    ["a", "c"],
    ["a", "b"],
  ]);
});

test("[R92] an address that leads back here is no link, and nothing wrong", () => {
  const net = new Net();
  const a = net.host("a", [a7300]);
  a.mesh.start();
  net.pass(30_000);
  expect(a.ear.notes).toEqual([]);
  expect(a.mesh.status()).toEqual([]);
  expect(net.dials).toHaveLength(1);
  expect(a.log).toEqual([]);
});

test("[R94] a second live process under a name is refused, both are told, and the first goes on", () => {
  const [net, a, b] = pair();
  const other = net.host("b", [a7300], { url: "http://b2:7300", store: "another-store" });
  other.mesh.start();
  const beat = () => {
    b.ear.to("a").send("beat");
    net.clock.schedule(100, beat);
  };
  beat();
  net.pass(20_000);
  expect(linksOf(a)).toEqual(["b"]);
  expect(other.ear.notes).toEqual([]);
  expect(a.ear.notes.filter((note) => note.startsWith("unlinked"))).toEqual([]);
  expect(problemsOf(other)).toEqual(["name_in_use"]);
  expect(other.log.join()).toContain("refused by server a: another live server goes by the name b");
  expect(a.log.join()).toContain("another live server goes by the name b");
  expect(problemsOf(a)).toEqual([null, "name_in_use"]);
});

test("[R94] a copied directory that was started twice is told so, whoever meets whom", () => {
  const [net, a, b] = pair();
  const copy = net.host("b", [a7300, b7300], { url: "http://b2:7300", key: b.key });
  copy.mesh.start();
  const beat = () => {
    b.ear.to("a").send("beat");
    net.clock.schedule(100, beat);
  };
  beat();
  net.pass(10_000);
  expect(linksOf(a)).toEqual(["b"]);
  expect(problemsOf(copy).sort()).toEqual(["copied_store", "name_in_use"]);
  expect(b.log.join()).toContain("is a copy of server b's own");
});

test("[R94] a server that died and came back with an empty disk is taken once its old link is silent", () => {
  const [net, a, b] = pair();
  const [pipe] = net.pipes;
  pipe?.breakFor("acceptor");
  net.hosts.delete(b.url);
  b.mesh.stop();
  const anew = net.host("b", [a7300], { store: "made-anew" });
  anew.mesh.start();
  net.pass(10_000);
  expect(linksOf(a)).toEqual(["b"]);
  expect(a.ear.links.get(a.ear.to("b"))?.storeId).toBe("made-anew");
  expect(a.ear.notes).toEqual(["linked b", "unlinked b", "linked b"]);
});

test("[R90, R93] the key of a member is the one that the cluster knows, or there is no link", () => {
  const net = new Net();
  net.record("b", freshKey().publicText);
  const [a, b] = [net.host("a", [b7300]), net.host("b", [])];
  a.mesh.start();
  b.mesh.start();
  net.pass(3_000);
  expect([linksOf(a), linksOf(b)]).toEqual([[], []]);
  expect(problemsOf(a)).toEqual(["wrong_key"]);
  expect(a.log.join()).toContain("does not have the key that the cluster knows this name by");
  expect(b.log.join()).toContain("refused by server a: server b does not have the key");
  // Recorded later, and it is another one: the link ends.
  const [later, c, d] = pair();
  later.record("b", freshKey().publicText);
  later.pass(3_000);
  expect([linksOf(c), linksOf(d)]).toEqual([[], []]);
  expect(c.ear.notes).toEqual(["linked b", "unlinked b"]);
});

test("[R93] a clock that is off keeps a server from joining, and no member out", () => {
  for (const isMember of [false, true]) {
    const net = new Net();
    const wrongMs = 1_000_000;
    const slow = {
      monotonicMs: () => net.clock.monotonicMs(),
      wallMs: () => net.clock.wallMs() - wrongMs,
      schedule: net.clock.schedule.bind(net.clock),
    };
    const [a, b] = [net.host("a", []), net.host("b", [a7300], { clock: slow })];
    if (isMember) {
      net.record("a", a.key.publicText);
      net.record("b", b.key.publicText);
    }
    a.mesh.start();
    b.mesh.start();
    net.pass(3_000);
    expect(linksOf(a)).toEqual(isMember ? ["b"] : []);
    if (!isMember) {
      expect(problemsOf(b)).toEqual(["clock"]);
      expect(b.log.join()).toContain("1000 s apart");
    }
  }
});

test("[R93] a server of another cluster is refused, and both say why", () => {
  const net = new Net();
  const [a, b] = [net.host("a", [], { cluster: "another" }), net.host("b", [a7300])];
  a.mesh.start();
  b.mesh.start();
  net.pass(3_000);
  expect(problemsOf(b)).toEqual(["other_cluster"]);
  expect(b.log.join()).toMatch(/server \w does not have server \w's secret/);
  expect(a.log.join()).toMatch(/server \w does not have server \w's secret/);
  expect(a.mesh.status()).toMatchObject([{ state: "refused", by: "there", server: "b" }]);
});

test("[R95] dialling again waits longer each time up to its bound, and never in step", () => {
  const net = new Net();
  const a = net.host("a", [b7300]);
  a.mesh.start();
  net.pass(120_000);
  const waits = net.dials.slice(1).map(({ atMs }, i) => atMs - net.dials[i]!.atMs);
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(100);
  expect(Math.max(...waits)).toBeLessThanOrEqual(REDIAL_MS_MAX + 10);
  expect(Math.max(...waits.slice(0, 1))).toBeLessThanOrEqual(410);
  expect(Math.max(...waits.slice(6))).toBeGreaterThan(2_000);
  expect(new Set(waits.map(Math.round)).size).toBeGreaterThan(waits.length / 2);
  expect(a.log).toHaveLength(1); // the same thing is said once
  expect(a.mesh.status()).toMatchObject([{ state: "failed", problem: "connection_refused" }]);
  // There it is: linked within the bound, and the address is dialled no more.
  net.host("b", []);
  net.pass(REDIAL_MS_MAX + 100);
  expect(linksOf(a)).toEqual(["b"]);
  const dials = net.dials.length;
  net.pass(60_000);
  expect(net.dials).toHaveLength(dials);
});

test("[R93] an address that does not answer, and one that answers and says nothing, are told apart", () => {
  const net = new Net();
  const c7300 = "http://c:7300";
  const [a, b] = [net.host("a", [b7300, c7300]), net.host("b", [])];
  net.deaf.add(b7300);
  net.black.add(c7300);
  a.mesh.start();
  b.mesh.start();
  net.pass(3_500);
  const status = a.mesh.status();
  expect(status.find(({ address }) => address === b7300)?.problem).toBe("too_slow");
  const black = status.find(({ address }) => address === c7300);
  expect(black).toMatchObject({ problem: "timed_out" });
  expect(black?.reason).toContain("firewall");
});

test("[R10.18] unfinished and failed handshakes of one address are bounded; others come in", () => {
  const net = new Net();
  const a = net.host("a", []);
  a.mesh.start();
  const open = [];
  for (let i = 0; i < 100; i++) open.push(a.mesh.accept("10.0.0.66"));
  expect(open.filter((wire) => wire !== null)).toHaveLength(16);
  expect(a.mesh.accept("10.0.0.67")).not.toBeNull();
  net.pass(3_100); // the deadline frees their places, and counts as failures
  let taken = 0;
  for (let i = 0; i < 200; i++) {
    const wire = a.mesh.accept("10.0.0.66");
    if (wire === null) continue;
    taken++;
    wire.closed();
    net.pass(0);
  }
  expect(taken).toBeLessThan(60);
  const b = net.host("b", [a7300]);
  b.mesh.start();
  net.pass(500);
  expect(linksOf(a)).toEqual(["b"]);
  net.pass(60_000);
  expect(a.mesh.accept("10.0.0.66")).not.toBeNull();
});

test("[R10.19] a peer that does not take what it is sent is cut off; nobody else notices", () => {
  const net = new Net();
  const [a, b] = [net.host("a", [b7300, "http://c:7300"]), net.host("b", [])];
  const c = net.host("c", []);
  for (const { mesh } of [a, b, c]) mesh.start();
  net.pass(500);
  net.deaf.add(b7300);
  const link = a.ear.to("b");
  let sent = 0;
  while (a.ear.links.has(link) && sent < 2 * LINK_BACKLOG_BYTES_MAX) {
    link.send(new Uint8Array(PEER_FRAME_BYTES_MAX));
    sent += PEER_FRAME_BYTES_MAX;
    net.pass(1);
  }
  expect(sent).toBeLessThan(LINK_BACKLOG_BYTES_MAX + 2 * PEER_FRAME_BYTES_MAX);
  expect(a.log.join()).toContain("it does not take what it is sent");
  a.ear.to("c").send("hello");
  net.pass(20);
  expect(c.ear.notes).toEqual(["linked a", "a: hello"]);
});

test("[R91] a piece changed on its way ends the link; the next one is made anew", () => {
  const [net, a, b] = pair();
  net.tamper = (frame) => {
    const changed = Uint8Array.from(frame);
    changed[frame.length >> 1]! ^= 4;
    return changed;
  };
  a.ear.to("b").send("pay 10");
  net.pass(20);
  net.tamper = (frame) => frame;
  expect(b.ear.notes).toEqual(["linked a", "unlinked a"]);
  expect(b.mesh.endings.get("malformed")).toBe(1);
  net.pass(6_000);
  expect(linksOf(b)).toEqual(["a"]);
});

test("a link that the replica closes is over a turn later, and dialled again", () => {
  const [net, a, b] = pair();
  const link = a.ear.to("b");
  link.close("flood");
  link.send("too late");
  expect(a.ear.links.size).toBe(1);
  net.pass(50);
  expect(a.ear.notes).toEqual(["linked b", "unlinked b"]);
  expect(b.ear.notes).toEqual(["linked a", "unlinked a"]);
  net.pass(6_000);
  expect(linksOf(a)).toEqual(["b"]);
});

test("a mesh that stops says what was sent before it closes, and dials no more", () => {
  const [net, a, b] = pair();
  b.ear.to("a").send("goodbye");
  b.mesh.stop();
  net.pass(50);
  expect(a.ear.notes).toEqual(["linked b", "b: goodbye", "unlinked b"]);
  net.hosts.delete(b7300);
  const dials = net.dials.filter(({ from }) => from === b7300).length;
  net.pass(20_000);
  expect(net.dials.filter(({ from }) => from === b7300)).toHaveLength(dials);
  expect(b.mesh.accept("10.0.0.1")).toBeNull();
});
