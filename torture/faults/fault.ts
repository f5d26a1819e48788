/** What a fault is: it strikes some servers or their network, and ends. */
import type { Chance } from "../../sim/chance.ts";
import type { Rig } from "../rig.ts";

export type Stroke = {
  /** What was done, to whom. */
  readonly words: string;
  /** Ends what does not end by itself. Servers that are off are started by the round, the network is healed. */
  mend(): Promise<void> | void;
};

export interface Fault {
  /** So many servers are hit; of one that hits none, only the network is. */
  readonly victims: number;
  /** Only where it is asked for: what it shows is known, and stands in docs/VERIFICATION.md. */
  readonly isUnusual?: boolean;
  /** Why it can't be done here; null if it can. */
  whyNot?(): string | null;
  /** The same servers, those it likes best first. */
  choose?(rig: Rig, free: readonly string[]): Promise<string[]> | string[];
  strike(rig: Rig, victims: readonly string[], chance: Chance): Promise<Stroke> | Stroke;
}

/** A stroke that leaves nothing to be ended but what every round ends. */
export function done(words: string): Stroke {
  return { words, mend: () => {} };
}

/** A whole number, both ends included. */
export function whole(chance: Chance, min: number, max: number): number {
  return min + Math.floor(chance.next() * (max - min + 1));
}
