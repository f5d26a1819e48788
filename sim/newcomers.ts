/**
 * People who sign up in the middle of everything, look around, perhaps sign out and in again, and are gone: who signs
 * up makes two things, an account and a session, and between them anything may happen. Some come as two at once who
 * want one name.
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
    this.came++;
    if (this.chance.happens(0.6)) this.come(`new${this.came}`);
    else for (let i = 0; i < 2; i++) this.come(`twin${this.came}`);
  }

  private come(name: string): void {
    const { time, sometimes } = this.world;
    const person = new Person(name, this.world, this.chance.fork());
    person.start();
    const stayMs = this.chance.between(...STAY_MS);
    if (this.chance.happens(0.5)) time.at(stayMs / 3, () => person.signOut());
    time.at(stayMs, () => person.vanish());
    sometimes.happened("somebody came new");
  }
}
