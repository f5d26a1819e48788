/**
 * People who sign up in the middle of everything, look around and are gone again: who signs up makes two things, an
 * account and a session, and between them anything may happen.
 */
import type { Chance } from "./chance.ts";
import { Person, type PersonWorld } from "./person.ts";

/** Of those that could come now one in so many does. */
const RARITY = 3;
const NEWCOMERS_MAX = 12;
const STAY_MS: readonly [number, number] = [1_500, 6_000];

export class Newcomers {
  readonly chance: Chance;
  private readonly world: PersonWorld;
  private came = 0;

  constructor(world: PersonWorld, chance: Chance) {
    this.world = world;
    this.chance = chance;
  }

  act(): void {
    if (this.came === NEWCOMERS_MAX || this.chance.below(RARITY) > 0) return;
    const person = new Person(`new${++this.came}`, this.world, this.chance.fork());
    person.start();
    this.world.time.at(this.chance.between(...STAY_MS), () => person.vanish());
    this.world.sometimes.happened("somebody came new");
  }
}
