/**
 * Wall clocks that are wrong: by seconds up to a year, forward and back, while a server runs or from its start.
 *
 * From its start one may be wrong by as much as the bound that stamps may be ahead (docs/SPEC.md, R55): what a server
 * mints before it hears two others tell that its clock is wrong has nothing to be compared with. Further off is a
 * kind of its own, which is not among the usual ones.
 */
import { whyNoPreload } from "../preload.ts";
import type { Rig } from "../rig.ts";
import { type Fault, type Stroke, whole } from "./fault.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;
const SCALES_MS = [SECOND_MS, 10 * MINUTE_MS, 24 * 60 * MINUTE_MS, YEAR_MS];
/** A little under five minutes, for what the start takes. */
const BOUND_MS = 4.5 * MINUTE_MS;

function wrong(rig: Rig, name: string, offsetMs: number, since: string): Stroke {
  rig.preload(name).clockOffsetMs = offsetMs;
  return {
    words: `clock of ${name} ${(offsetMs / SECOND_MS).toFixed(1)} s ahead ${since}`,
    mend: () => {
      rig.preload(name).clockOffsetMs = 0;
    },
  };
}

const leap: Fault = {
  victims: 1,
  whyNot: whyNoPreload,
  strike(rig, [name = ""], chance) {
    const sign = chance.next() < 0.5 ? -1 : 1;
    return wrong(rig, name, sign * whole(chance, 1, chance.pick(SCALES_MS)), "all at once");
  },
};

function fromStart(mostMs: number): Fault {
  return {
    victims: 1,
    whyNot: whyNoPreload,
    async strike(rig, [name = ""], chance) {
      await rig.cluster.kill([name]);
      const stroke = wrong(rig, name, whole(chance, -mostMs, mostMs), "from its start");
      await rig.start([name]);
      return stroke;
    },
  };
}

export const CLOCK_FAULTS: Record<string, Fault> = {
  "clock-leap": leap,
  "clock-at-start": fromStart(BOUND_MS),
  "clock-far-at-start": { ...fromStart(YEAR_MS), isUnusual: true },
};
