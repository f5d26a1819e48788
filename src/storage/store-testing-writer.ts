/**
 * A process for crash tests: opens a store, appends ops from a seed as fast as they become durable, and
 * writes one line with the arrival number after each commit, until it is killed.
 *
 *   store-testing-writer.ts DIRECTORY SEED [before-commit|after-commit COUNT]
 */
import { writeSync } from "node:fs";
import { randomFrom, TestOrigin } from "./log-testing.ts";
import { openStore } from "./store.ts";

const [directory = "", seed = "1", point, passings = "1"] = process.argv.slice(2);
const random = randomFrom(Number(seed));
const origin = new TestOrigin("a", random);
const killAt =
  point === "before-commit" || point === "after-commit"
    ? { killAt: { point, count: Number(passings) } as const }
    : {};
const { log } = await openStore({
  directory,
  server: "a",
  clusterId: "cluster",
  wallMs: () => 0,
  ...killAt,
});
const appendSome = () => log.append(origin.ops(1 + Math.floor(random() * 20)));
log.listen({
  durable({ ops }) {
    writeSync(1, `${ops.at(-1)!.n}\n`);
    appendSome();
  },
  erased() {},
  space() {},
  failed(error) {
    writeSync(2, `${error.message}\n`);
    process.exit(1);
  },
});
for (let i = 0; i < 3; i++) appendSome();
