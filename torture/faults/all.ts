/** Every fault by the name of its flag. */
import type { Fault } from "./fault.ts";
import { NETWORK_FAULTS } from "./network.ts";
import { PROCESS_FAULTS } from "./process.ts";

export const FAULTS: Readonly<Record<string, Fault>> = { ...PROCESS_FAULTS, ...NETWORK_FAULTS };
