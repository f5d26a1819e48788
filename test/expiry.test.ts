/** What is over by time is ended once for the cluster, by the server that leads: whole gateways, simulated time. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { EXPIRY_SLOT_MS, INVITATION_GRACE_MS, SESSION_AGE_MS_MAX } from "../src/core/limits.ts";
import { invitationRevoke } from "../src/ops/invitation.ts";
import { sessionEnd } from "../src/ops/session.ts";
import { GatewayWorld } from "./gateways.ts";
import { type Frame, newId } from "./in-process.ts";
import { converged } from "./replicas/checks.ts";

setDefaultTimeout(120_000);

let here: GatewayWorld;
afterEach(() => here.end());

const NAMES = ["a", "b", "c"];

/** What ended something, on one server: author, id and what of each op. */
function endings(server: string): string[] {
  const kinds: number[] = [invitationRevoke.number, sessionEnd.number];
  return here.world
    .server(server)
    .disk.ops.filter(({ kind }) => kinds.includes(kind))
    .map(({ author, id, kind, data }) => `${author} ${id} ${kind} ${data}`);
}

/** All stop, and come back so much later. */
async function later(ms: number): Promise<void> {
  for (const name of NAMES) here.kill(name);
  for (const server of here.world.servers) {
    server.wallAheadMs += ms;
    server.start();
  }
  await here.world.until(() => here.world.isWhole && here.world.isEven, 30_000);
}

async function rpc(server: string, token: string | null, method: string, params: object) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const call = { body, token, address: "10.1.1.1", operator: token === null };
  const answer = await here.pass(here.host(server).gateway.call(call));
  return JSON.parse(answer.body) as Frame;
}

test("[R45, R46] the leader ends old sessions and revokes invitations that are over, once", async () => {
  here = await GatewayWorld.met({ seed: 2 });
  const old = await here.join("b", "ann");
  const invited = await rpc("a", null, "invitation.create", { id: newId() });
  expect(invited.error).toBeUndefined();
  await later(SESSION_AGE_MS_MAX - 3_600_000);
  const lasting = await rpc("a", null, "invitation.create", { id: newId() });
  expect(lasting.error).toBeUndefined();
  const password = "password of ann";
  const young = await here.pass(
    here.connect("c").call("session.open", { name: "ann", password, id: newId() }),
  );
  const before = await rpc("b", old.token, "session.list", {});
  expect(before.error).toBeUndefined();
  const watching = await here.resume("c", old.token);
  await later(3_600_000 + INVITATION_GRACE_MS);
  const connected = await here.resume("c", old.token);
  await here.world.pass(EXPIRY_SLOT_MS + 5_000);
  expect(watching.closedWith).not.toBeNull();
  expect(connected.eventsNamed("session.ended")).toHaveLength(1);
  expect((await rpc("b", old.token, "session.list", {})).error?.data.code).toMatch(
    /session_ended|unauthorized/,
  );
  expect((await rpc("b", young.token, "session.list", {})).error).toBeUndefined();
  for (const name of NAMES) expect(endings(name)).toHaveLength(2);
  const { invitations } = (await rpc("a", null, "invitation.list", {})).result as {
    invitations: unknown[];
  };
  expect(invitations).toHaveLength(1);
  await here.world.pass(2 * EXPIRY_SLOT_MS);
  expect(endings("a")).toHaveLength(2); // and never again
});

test("[R46, R121] two leaders during a partition do no harm: one effect, one view", async () => {
  here = await GatewayWorld.met({ seed: 4 });
  const people = [];
  for (const name of ["ann", "bob", "eve"]) people.push(await here.join("a", name));
  await rpc("a", null, "invitation.create", { id: newId() });
  await later(SESSION_AGE_MS_MAX + INVITATION_GRACE_MS);
  here.isolate("a");
  await here.world.pass(5_000);
  expect(NAMES.map((name) => here.world.server(name).replica.isLeader)).toEqual([
    true,
    true,
    false,
  ]);
  await here.world.pass(EXPIRY_SLOT_MS + 5_000);
  for (const name of ["a", "b"]) expect(endings(name)).toHaveLength(4);
  expect(endings("a").sort()).toEqual(endings("b").sort()); // under the same ids
  here.world.network.heal();
  await here.world.until(() => here.world.isWhole && here.world.isEven, 60_000);
  await here.world.pass(2_000);
  converged(here.world.servers);
  for (const name of NAMES) expect(new Set(endings(name)).size).toBe(4);
  for (const { token } of people) {
    const answer = await rpc("c", token, "session.list", {});
    expect(answer.error?.data.code).toMatch(/session_ended|unauthorized/);
  }
});
