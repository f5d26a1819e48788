import { expect, test } from "bun:test";
import { TOKEN } from "./testing/chat.ts";
import { SharedStorage, World } from "./testing/world.ts";

/** A client that was given the first server only, heard of the others, and is over; what it left. */
async function learned(world: World): Promise<SharedStorage> {
  const storage = new SharedStorage();
  const client = world.client({ servers: [world.a.url], storage: storage.view() });
  await world.advance(1_000);
  expect(client.connection.state).toBe("live");
  await client.close();
  return storage;
}

test("the next client goes to servers that the one before it was told of, if its own are dead", async () => {
  const world = new World(["a", "b", "c"]);
  const storage = await learned(world);
  world.a.host.up = false;
  const later = world.stranger({ servers: [world.a.url], storage: storage.view() });
  await world.advance(1_000);
  expect(later.connection).toMatchObject({ state: "live", name: "b" });
  expect(later.servers).toEqual(["a", "b", "c"].map((_, i) => world.servers[i]?.url as string));
});

test("a server that was removed is not recalled", async () => {
  const world = new World(["a", "b", "c"]);
  const storage = new SharedStorage();
  const client = world.client({ servers: [world.a.url], storage: storage.view() });
  await world.advance(1_000);
  const servers = world.servers
    .filter(({ name }) => name !== "b")
    .map(({ name, url }) => ({ name, url, state: "live" }));
  world.a.tell("servers.changed", { servers, cursor: "at:0" });
  await world.advance(100);
  await client.close();
  const later = world.stranger({ servers: [world.a.url], storage: storage.view() });
  await world.advance(0);
  expect(later.servers).toEqual([world.a.url, world.servers[2]?.url as string]);
});

test("addresses go with the session: another one, or none, recalls nothing", async () => {
  const world = new World(["a", "b"]);
  const storage = await learned(world);
  const other = world.client({
    servers: [world.a.url],
    storage: storage.view(),
    token: `${TOKEN}x`,
  });
  await world.advance(0);
  expect(other.servers).toEqual([world.a.url]);
  await other.close();
  const unlearning = { learnServers: false, servers: [world.a.url], storage: storage.view() };
  const stranger = world.stranger(unlearning);
  await world.advance(0);
  expect(stranger.servers).toEqual([world.a.url]);
});

test("what stands in the storage may be anything", async () => {
  const world = new World(["a"]);
  for (const servers of [
    7,
    "x",
    [null],
    [{}],
    [{ name: 1, url: 2 }],
    [{ name: "x", url: "ftp://x" }],
  ]) {
    const storage = new SharedStorage();
    storage.kept.set("session", JSON.stringify({ token: TOKEN, servers }));
    const client = world.stranger({ servers: [world.a.url], storage: storage.view() });
    await world.advance(1_000);
    expect(client.servers, JSON.stringify(servers)).toEqual([world.a.url]);
    expect(client.connection.state).toBe("live");
    await client.close();
  }
});
