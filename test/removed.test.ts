/** What clients see of a server that learns that it was removed, while it hands over what it has. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { type Incarnation, operatorId } from "../src/core/ids.ts";
import { encodeEnvelope, type Op } from "../src/core/op.ts";
import { nextServerVersion, serverAdd, serverRemove } from "../src/ops/server.ts";
import { newId, sha256, TestServer, until } from "./in-process.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

let seq = 0;
/** What another server minted about this one comes over a link. */
async function arrive(kind: number, more: object = {}): Promise<void> {
  const { name } = server.replica;
  const version = nextServerVersion(server.view.get("server", name));
  const envelope = {
    origin: "z.0123456789" as Incarnation,
    seq: ++seq,
    stamp: { ms: Date.now(), counter: seq },
    author: operatorId(sha256),
    id: newId() as Op["id"],
    kind,
    scope: null,
    data: JSON.stringify({ name, version, ...more }),
    bodyHash: null,
  };
  server.store.log.append([{ ...envelope, bytes: encodeEnvelope(envelope), body: null }]);
  const isRemoved = kind === serverRemove.number;
  await until(() => server.replica.members.isRemoved(name) === isRemoved);
  server.gateway.serversChanged();
}

test("[R97] it refuses requests, sends clients elsewhere, and goes on serving its operator", async () => {
  const ann = await server.join("ann");
  const post = () => ann.request("message.post", { to: "@ann", text: "x", id: newId() });
  expect((await post()).error).toBeUndefined();
  expect(server.gateway.notReady).toBeNull();
  await arrive(serverRemove.number);
  expect(server.gateway.notReady).toContain("removed from the cluster");
  const refused = await post();
  expect(refused.error?.data).toEqual({ code: "shutting_down", retry: true, retryAfterMs: 1_000 });
  expect(refused.error?.message).toContain("was removed from the cluster: go to another one");
  await until(() => ann.eventsNamed("server.stopping").length === 1);
  server.gateway.serversChanged();
  const stranger = server.connect();
  expect((await stranger.request("server.hello", {})).error).toBeUndefined(); // it names the others
  const opened = await stranger.request("session.resume", { token: ann.token });
  expect(opened.error?.data.code).toBe("shutting_down");
  expect(await server.operator("server.status", {})).toMatchObject({ removed: true });
  expect(ann.eventsNamed("server.stopping")).toHaveLength(1);

  // Let in again while it still ran.
  await arrive(serverAdd.number, { key: "", url: "" });
  expect((await post()).error).toBeUndefined();
  expect(server.gateway.notReady).toBeNull();
});
