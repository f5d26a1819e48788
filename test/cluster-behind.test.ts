/** Real servers of which one lacks what the others hold: whom it takes, where it sends them, what it says of itself. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { createClient } from "../src/client/index.ts";
import { eventually, resultOf, Site } from "./cluster-processes.ts";
import { atEnd, cleanUp, signUp } from "./server-process.ts";

setDefaultTimeout(60_000);
afterEach(cleanUp);

type Entry = { readonly name: string; readonly url: string };
const newId = () => Bun.randomUUIDv7();

async function ready(site: Site, name: string): Promise<string> {
  const answer = await fetch(`${site.url(name)}/readyz`);
  return `${answer.status} ${(await answer.text()).trim()}`;
}

test("[R6] a server that is behind sends sessions away while others are there, and serves alone; /readyz says so", async () => {
  const site = new Site();
  await site.startAll(["a", "b"]);
  const token = await signUp(site.url("a"), "ann");
  resultOf(await site.call("a", "channel.create", { name: "hall", id: newId() }, token));
  // A third that knows of them, and whose disk takes nothing of what they have.
  const peers = ["--peer", site.address("a"), "--peer", site.address("b")];
  const low = [...peers, "--reserve", "900000G"];
  await site.start("c", low);
  const behind = await eventually(async () => {
    const text = await ready(site, "c");
    return text.includes(", ") ? text : null;
  });
  expect(behind).toMatch(/^503 behind: it still lacks \d+ ops; caught up: (a, b|b, a)$/);
  expect(await ready(site, "a")).toBe("200 ready");
  const password = "correct horse";
  for (const [method, params] of [
    ["session.resume", { token }],
    ["session.open", { name: "ann", password, id: newId() }],
    ["account.create", { name: "bob", password, id: newId() }],
  ] as const) {
    const { error } = await site.call("c", method, params);
    expect(error?.data, method).toMatchObject({ code: "behind", retry: true });
    const { servers } = (error as { data: unknown }).data as { servers: Entry[] };
    expect(servers.map(({ name, url }) => `${name} ${url}`).sort(), method).toEqual([
      `a ${site.url("a")}`,
      `b ${site.url("b")}`,
    ]);
  }
  // The SDK, given nothing but this server, ends up at one that knows it.
  const client = createClient({ servers: [site.url("c")], token });
  atEnd(() => client.close());
  const { conversations } = await client.call("conversation.list", {});
  expect(conversations.map(({ name }) => name)).toEqual(["#hall"]);
  expect(client.connection.name).toMatch(/^[ab]$/);
  // Alone it cannot say that there is no such session.
  await Promise.all([site.kill("a"), site.kill("b")]);
  await eventually(async () => ((await ready(site, "c")) === "200 ready" ? true : null));
  const alone = await site.call("c", "session.resume", { token });
  expect(alone.error?.data.code).toBe("unavailable");
  expect((await site.call("c", "session.list", {}, token)).error?.data.code).toBe("unavailable");
  // With room on its disk, and the others back, it has all and takes everybody.
  await site.process("c").stop();
  await Promise.all([site.start("a"), site.start("b", ["--peer", site.address("a")])]);
  await site.start("c", peers);
  await site.inSync(["a", "b", "c"]);
  await eventually(async () => ((await ready(site, "c")) === "200 ready" ? true : null));
  resultOf(await site.call("c", "session.resume", { token }));
  const nobody = await site.call("c", "session.resume", { token: `hft_${"x".repeat(43)}` });
  expect(nobody.error?.data.code).toBe("unauthorized");
});
