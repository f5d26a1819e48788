import { expect, test } from "bun:test";
import fc from "fast-check";
import { ArrayLog } from "../../test/memory-log.ts";
import { dumpOf, foldAll, openView } from "../../test/view-probe.ts";
import { type Incarnation, operatorId } from "../core/ids.ts";
import { encodeEnvelope, type Op } from "../core/op.ts";
import { sha256 } from "../storage/log-hash.ts";
import { nextServerVersion, serverAdd, serverRemove, serverRequestId } from "./server.ts";

function op(
  origin: string,
  seq: number,
  ms: number,
  kind: { number: number; name: string },
  data: object,
): Op {
  const envelope = {
    origin: `${origin}.0123456789` as Incarnation,
    seq,
    stamp: { ms, counter: 0 },
    author: operatorId(sha256),
    id: serverRequestId(sha256, kind, data),
    kind: kind.number,
    scope: null,
    data: JSON.stringify(data),
    bodyHash: null,
  };
  return { ...envelope, bytes: encodeEnvelope(envelope), body: null };
}

const add = (version: number, url = "http://c:7300") => ({ name: "c", key: "key", url, version });

function viewOf(ops: readonly Op[]) {
  const log = new ArrayLog(ops);
  const view = openView(log);
  foldAll(view, log, [1]);
  return view;
}

test("several servers that add the same one make one effect", () => {
  const view = viewOf([op("a", 1, 1, serverAdd, add(1)), op("b", 1, 2, serverAdd, add(1))]);
  expect(view.servers()).toEqual(["c"]);
  expect(view.get("server", "c")?.standing?.value).toBe("member");
  expect(view.oddOps().shadowed).toBe(1);
  expect(nextServerVersion(view.get("server", "c"))).toBe(2);
  view.close();
});

test("a removal stands against what was added at the same time, and gives way to a later addition", () => {
  const removed = op("a", 1, 5, serverRemove, { name: "c", version: 2 });
  const moved = op("b", 1, 9, serverAdd, add(2, "http://c2:7300"));
  const view = viewOf([op("a", 1, 1, serverAdd, add(1)), { ...removed, seq: 2 }]);
  expect(view.get("server", "c")?.standing?.value).toBe("removed");
  expect(view.get("server", "c")?.address?.value.url).toBe("http://c:7300"); // who it was is known
  view.close();
  const both = viewOf([moved, removed]);
  expect(both.get("server", "c")?.standing?.value).toBe("member"); // of equal versions the later one
  both.close();
});

test("[R4] any order comes out the same", () => {
  const all = [
    op("a", 1, 1, serverAdd, add(1)),
    op("b", 1, 3, serverRemove, { name: "c", version: 2 }),
    op("c", 1, 2, serverAdd, add(2, "http://c2:7300")),
    op("d", 1, 4, serverAdd, { ...add(1), name: "d" }),
  ];
  const expected = viewOf(all);
  const dump = dumpOf(expected);
  expected.close();
  expect(dump.toString()).toContain("server ");
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (ops) => {
      const view = viewOf(ops);
      expect(dumpOf(view)).toEqual(dump);
      view.close();
    }),
    { numRuns: 24 },
  );
});

test("[R20] what is no server is odd, and nothing else", () => {
  const view = viewOf([op("a", 1, 1, serverAdd, { ...add(1), name: "No Name" })]);
  expect(view.servers()).toEqual([]);
  expect(view.oddOps().invalid).toBe(1);
  view.close();
});
