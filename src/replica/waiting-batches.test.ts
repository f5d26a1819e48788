import { expect, test } from "bun:test";
import { chainOf, Hand, ORIGIN, opOf } from "../../test/peer-hand.ts";
import { Rig } from "../../test/replica-rig.ts";
import { toBase64Url } from "../core/bytes.ts";
import type { Op } from "../core/op.ts";

/** Everything that was handed to the log is on its disk. */
function commitAll(rig: Rig): void {
  rig.turn();
  while (rig.log.batches.length > 0) rig.log.commit();
  rig.turn();
}

test("[R6] what waits for room here is not covered by what the peer says behind it", () => {
  const rig = new Rig();
  const peer = new Hand(rig).join();
  const known = () => rig.replica.cursors.stores.storeKnown("store of b");
  const ops = [opOf(1), opOf(2)];
  const [, , third] = [...ops, opOf(3)] as [Op, Op, Op];
  rig.log.listener?.space(0, 1_000);
  peer.ops(ops, undefined, undefined, 2);
  peer.ops([third], undefined, chainOf(ops), 3);
  peer.say({ type: "ack", held: [], upTo: 4 });
  expect(known()?.coversN).toBe(0);
  rig.log.listener?.space(2_000, 1_000);
  commitAll(rig);
  expect(rig.log.vector().get(ORIGIN)?.seq).toBe(3);
  expect(known()?.coversN).toBe(4);
});

test("[R6] what waits for room here, and was compared since, is no step back of its disk", () => {
  const rig = new Rig();
  const peer = new Hand(rig).join();
  const known = () => rig.replica.cursors.stores.storeKnown("store of b");
  rig.log.listener?.space(0, 1_000);
  peer.ops([opOf(1)], undefined, undefined, 1);
  const heads = [[ORIGIN, 1, toBase64Url(chainOf([opOf(1)]))]];
  peer.say({ type: "vector", digest: "1", origins: 1, upTo: 3 });
  peer.say({ type: "heads", heads, last: { differ: [...Array(256).keys()], upTo: 3 } });
  expect(known()?.coversN).toBe(-1);
  rig.log.listener?.space(2_000, 1_000);
  commitAll(rig);
  expect(known()?.coversN).toBe(3);
  peer.say({ type: "ack", held: [], upTo: 4 });
  expect(known()?.oursAt(4)).not.toBeNull();
});
