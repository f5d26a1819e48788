/**
 * The first administrator, who invites people with codes that are good for minutes; guests come with them, in time or
 * too late. What is over by time is ended by the cluster itself.
 */
import type { Chance } from "./chance.ts";
import { Person, type PersonWorld } from "./person.ts";
import type { SimServer } from "./server.ts";

const CODES_MAX = 20;
const GUESTS_MAX = 12;
const STAY_MS: readonly [number, number] = [1_500, 6_000];
const GOOD_MS: readonly [number, number] = [60_000, 1_800_000];

export type StewardWorld = PersonWorld & { readonly servers: readonly SimServer[] };

export class Steward {
  readonly chance: Chance;
  private readonly world: StewardWorld;
  private readonly person: Person;
  private readonly codes: string[] = [];
  private guests = 0;

  constructor(world: StewardWorld, chance: Chance) {
    this.world = world;
    this.chance = chance;
    this.person = new Person("steward", world, chance.fork(), () => this.setupCode());
  }

  /** As any server prints it; another one where the administrator was lost with the disks. */
  private setupCode(): string | undefined {
    const up = this.world.servers.find(({ running, isFrozen }) => running !== null && !isFrozen);
    return up?.running?.gateway.setupCode ?? undefined;
  }

  act(): void {
    this.person.start();
    if (this.person.client?.account === undefined) return;
    if (this.chance.happens(0.5)) void this.invite();
    else this.welcome();
  }

  private async invite(): Promise<void> {
    const expiresInMs = Math.floor(this.chance.between(...GOOD_MS));
    const { told, result } = await this.person.write("invitation.create", { uses: 1, expiresInMs });
    if (told.is !== "acknowledged" || this.codes.length === CODES_MAX) return;
    this.codes.push((result as { readonly code: string }).code);
    this.world.sometimes.happened("an invitation was made");
  }

  private welcome(): void {
    if (this.codes.length === 0 || this.guests === GUESTS_MAX) return;
    const code = this.chance.pick(this.codes);
    const guest = new Person(`guest${++this.guests}`, this.world, this.chance.fork(), () => code);
    guest.start();
    this.world.time.at(this.chance.between(...STAY_MS), () => {
      const what = guest.id === null ? "came with no good code" : "came by an invitation";
      this.world.sometimes.happened(`a guest ${what}`);
      guest.vanish();
    });
  }
}
