/** Every fault by the name of its flag. */
import { CLOCK_FAULTS } from "./clock.ts";
import { DISK_FAULTS } from "./disk.ts";
import type { Fault } from "./fault.ts";
import { NETWORK_FAULTS } from "./network.ts";
import { PROCESS_FAULTS } from "./process.ts";
import { ALL_AT_ONCE } from "./together.ts";
import { UPGRADE_FAULTS } from "./upgrade.ts";

export const FAULTS: Readonly<Record<string, Fault>> = {
  ...PROCESS_FAULTS,
  ...NETWORK_FAULTS,
  ...DISK_FAULTS,
  ...CLOCK_FAULTS,
  ...UPGRADE_FAULTS,
  ...ALL_AT_ONCE,
};

/** Those that a run has unless told otherwise. */
export const USUAL_FAULTS: readonly string[] = Object.entries(FAULTS)
  .filter(([, { isUnusual }]) => isUnusual !== true)
  .map(([name]) => name);
