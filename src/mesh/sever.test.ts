import { expect, test } from "bun:test";
import { type Host, Net } from "../../test/mesh-net.ts";
import { REDIAL_MS_MAX } from "../core/limits.ts";

const linksOf = ({ ear }: Host) => [...ear.links.values()].map(({ name }) => name).sort();

function three(): { net: Net; hosts: [Host, Host, Host] } {
  const net = new Net();
  const names = ["a", "b", "c"];
  const hosts = names.map((name) => {
    const others = names.filter((other) => other !== name);
    return net.host(
      name,
      others.map((other) => `http://${other}:7300`),
    );
  });
  for (const { mesh } of hosts) mesh.start();
  net.pass(2_000);
  return { net, hosts: hosts as [Host, Host, Host] };
}

test("a link that is severed goes at both ends and stays away, the others stay; mended it is back at once", () => {
  const { net, hosts } = three();
  const [a, b, c] = hosts;
  expect(hosts.map(linksOf)).toEqual([
    ["b", "c"],
    ["a", "c"],
    ["a", "b"],
  ]);
  a.mesh.sever(new Set(["c"]));
  c.mesh.sever(new Set(["a"]));
  net.pass(100);
  expect(hosts.map(linksOf)).toEqual([["b"], ["a", "c"], ["b"]]);
  expect(a.mesh.status().find(({ server }) => server === "c")).toMatchObject({
    state: "failed",
    problem: "severed",
    reason: "the link is cut by hand, to try what happens then",
  });
  net.pass(3 * REDIAL_MS_MAX);
  expect(hosts.map(linksOf)).toEqual([["b"], ["a", "c"], ["b"]]);
  expect(b.ear.notes.filter((note) => note.startsWith("unlinked"))).toEqual([]);
  a.mesh.sever(new Set());
  c.mesh.sever(new Set());
  net.pass(100);
  expect(hosts.map(linksOf)).toEqual([
    ["b", "c"],
    ["a", "c"],
    ["a", "b"],
  ]);
  expect(a.mesh.status().map(({ problem }) => problem)).toEqual([null, null]);
});

test("one end alone holds it down: who it is shows in the handshake, and nothing is said to the other", () => {
  const { net, hosts } = three();
  const [a, , c] = hosts;
  a.mesh.sever(new Set(["c"]));
  net.pass(3 * REDIAL_MS_MAX);
  expect([linksOf(a), linksOf(c)]).toEqual([["b"], ["b"]]);
  expect(c.log.filter((line) => line.includes("refused"))).toEqual([]);
});

test("a trouble is over when the other side comes by itself", () => {
  const net = new Net();
  const a = net.host("a", ["http://b:7300"]);
  a.mesh.start();
  net.pass(20_000);
  expect(a.mesh.status()).toMatchObject([{ problem: "connection_refused" }]);
  const b = net.host("b", ["http://a:7300"]);
  b.mesh.start();
  net.pass(50);
  expect(linksOf(a)).toEqual(["b"]);
  a.mesh.sever(new Set(["b"]));
  b.mesh.sever(new Set(["a"]));
  net.pass(1);
  const problems = a.mesh.status().map(({ problem }) => problem);
  expect(problems).not.toContain("connection_refused");
});

test("[R93] of a link that is lost that is said at once, until its address is dialled again", () => {
  const { net, hosts } = three();
  const [a, , c] = hosts;
  const toC = () => a.mesh.status().find(({ server }) => server === "c");
  c.mesh.stop();
  for (let ms = 0; toC()?.state === "linked" && ms < 100; ms++) net.pass(1);
  expect(toC()).toMatchObject({ state: "failed", problem: "lost", reason: "the link was lost" });
  net.pass(3 * REDIAL_MS_MAX);
  expect(toC()?.problem).not.toBe("lost");
});
