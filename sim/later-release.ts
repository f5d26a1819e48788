/**
 * What a later release writes: ops of a kind that nobody knows here. R111: they are stored and passed on as they are,
 * and receipts of them are as true as others.
 */
import Type from "typebox";
import { Refusal } from "../src/core/errors.ts";
import { requestIdFrom } from "../src/core/ids.ts";
import { declareKind } from "../src/ops/kind.ts";
import type { Proposal } from "../src/replica/minter.ts";
import type { Chance } from "./chance.ts";
import type { Time } from "./clock.ts";
import type { Person } from "./person.ts";
import type { SimServer } from "./server.ts";
import type { Sometimes } from "./sometimes.ts";
import type { Witness } from "./witness.ts";

const LATER_KIND = declareKind({
  number: 60_001,
  name: "later.thing",
  scope: "none",
  data: Type.Object({ what: Type.String() }),
  body: Type.Object({ text: Type.String() }),
  subjects: () => [],
  apply: () => {},
});

export type LaterReleaseWorld = {
  readonly time: Time;
  readonly sometimes: Sometimes;
  readonly servers: readonly SimServer[];
  readonly people: readonly Person[];
  readonly witness: Witness;
};

export class LaterRelease {
  readonly chance: Chance;
  private readonly world: LaterReleaseWorld;
  private made = 0;

  constructor(world: LaterReleaseWorld, chance: Chance) {
    this.world = world;
    this.chance = chance;
  }

  act(): void {
    const { chance } = this;
    const later = this.world.servers.filter(
      ({ isLaterRelease, running, isFrozen }) => isLaterRelease && running !== null && !isFrozen,
    );
    const { id: author } = chance.pick(this.world.people);
    if (later.length === 0 || author === null) return;
    this.write(chance.pick(later), author).catch((error) => {
      if (!(error instanceof Refusal)) throw error;
    });
  }

  private async write(server: SimServer, author: string): Promise<void> {
    const { time, sometimes, witness } = this.world;
    const nowMs = time.nowMs;
    const id = requestIdFrom(1_700_000_000_000 + nowMs, this.chance.bytes(10));
    const proposal = {
      author,
      id,
      kind: LATER_KIND,
      content: { scope: null, data: { what: `l${++this.made}` }, body: { text: "later" } },
      changes: [],
    } as unknown as Proposal;
    const { receipt } = await (server.running as NonNullable<SimServer["running"]>).replica.mint(
      proposal,
    );
    witness.acknowledge(
      server,
      { method: "later", id, author: proposal.author, atMs: nowMs },
      receipt,
    );
    sometimes.happened("an op of a kind that only a later release knows was stored");
  }
}
