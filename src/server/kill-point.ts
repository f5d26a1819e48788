/**
 * For tests: `HOLDFAST_TEST_KILL_AT=point:count` makes the process kill itself, by SIGKILL, at the
 * `count`th passing of a named point of a write.
 */
import type { ReplicaOptions } from "../replica/replica.ts";
import type { StoreOptions } from "../storage/store.ts";
import { usage } from "./config.ts";

type StoreKill = NonNullable<StoreOptions["killAt"]>;
type Probe = NonNullable<ReplicaOptions["probe"]>;
type Point = StoreKill["point"] | Parameters<Probe>[0];

const STORE_POINTS: readonly string[] = [
  "before-commit",
  "after-commit",
] satisfies StoreKill["point"][];
const POINTS: readonly string[] = [
  ...STORE_POINTS,
  ...(["before_append", "folded", "published"] satisfies Point[]),
];

export const KILL_VARIABLE = "HOLDFAST_TEST_KILL_AT";

export type KillPoints = { readonly store?: StoreKill; readonly probe?: Probe };

export function killPoints(text: string | undefined): KillPoints {
  if (text === undefined) return {};
  const [point = "", digits = ""] = text.split(":");
  if (!POINTS.includes(point) || !/^[1-9]\d*$/.test(digits)) {
    throw usage(
      `environment ${KILL_VARIABLE}: not valid`,
      `expected POINT:COUNT, of ${POINTS.join(", ")}`,
    );
  }
  const count = Number(digits);
  if (STORE_POINTS.includes(point)) return { store: { point: point as StoreKill["point"], count } };
  let passed = 0;
  return {
    probe: (at) => {
      if (at === point && ++passed === count) process.kill(process.pid, "SIGKILL");
    },
  };
}
