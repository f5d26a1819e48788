import { expect, test } from "bun:test";
import type { RequestId } from "../src/core/ids.ts";
import { Refusals } from "./refusals.ts";
import type { SimServer } from "./server.ts";

const ID = "0" as RequestId;
const running = { replica: { figures: () => ({ incarnation: "a.1" }) } };
const serverOf = (origins: string[]) =>
  ({
    name: "a",
    running,
    disk: { ops: origins.map((origin) => ({ origin })) },
  }) as unknown as SimServer;

test("what was stored for a request and is refused all the same is told, and nothing else", () => {
  const told: string[] = [];
  const refusals = new Refusals((rule, what) => told.push(`${rule} ${what}`));
  const server = serverOf(["a.1"]);
  const store = (origin: string) => (server.disk.ops as { origin: string }[]).push({ origin });
  refusals.refused(server, ID, "forbidden: no", 1); // nobody asked
  refusals.asked(server, ID);
  refusals.refused(server, ID, "forbidden: no", undefined); // nothing is stored
  refusals.refused(server, ID, "forbidden: no", 1); // it was there before
  store("b.1");
  refusals.refused(server, ID, "forbidden: no", 2); // another server stored it
  store("a.1");
  refusals.refused(server, ID, "indefinite: who knows", 3);
  expect(told).toEqual([]);
  refusals.refused(server, ID, "forbidden: no", 3);
  expect(told).toEqual(["R11 a refused 0 (forbidden: no), and stored it as op 3"]);
  refusals.asked(server, ID); // one of two attempts may be refused
  refusals.refused(server, ID, "forbidden: no", 3);
  expect(told).toHaveLength(1);
});
