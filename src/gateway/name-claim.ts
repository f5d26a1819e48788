/**
 * Names of accounts and channels: one holder each, decided where they are claimed.
 *
 * A write that claims a name has it reserved among the servers before anything is minted, and keeps it so until
 * the claim is folded here: from then on this server knows the name as taken, and says so whoever asks. Rejected:
 * giving it back with the answer (an answer may be `indefinite` before its op is stored).
 */
import { Refusal } from "../core/errors.ts";
import type { FoldedName } from "../core/names.ts";
import type { NameSpace } from "../core/view.ts";
import type { PendingKey } from "../replica/pending.ts";
import type { Replica } from "../replica/replica.ts";
import { type Reservation, taken } from "../replica/reservations.ts";
import type { Services } from "./services.ts";

export type Claim = {
  readonly space: NameSpace;
  readonly name: FoldedName;
  /** The account or channel that is to have it. */
  readonly holder: string;
};

/** What a claim changes and what another claim of the name waits for. */
export const nameKey = (space: NameSpace, name: FoldedName): PendingKey => `name ${space} ${name}`;

/** Throws `name_taken` if somebody else claims the name. */
export function assertFree({ view }: Pick<Services, "view">, { space, name, holder }: Claim): void {
  const isTaken = view.claims(space, name).some((claim) => claim.holder !== holder);
  if (isTaken) throw taken(space, name);
}

/** The reservation of one write. */
export class NameClaim {
  private readonly replica: Replica;
  private held: { readonly claim: Claim; readonly reservation: Reservation } | null = null;
  private refusal: Refusal | null = null;

  constructor(replica: Replica) {
    this.replica = replica;
  }

  /** Whether the servers have agreed on it. Throws the Refusal of those that have not. */
  isAgreed({ space, name, holder }: Claim): boolean {
    if (this.refusal !== null) throw this.refusal;
    const claim = this.held?.claim;
    return claim?.space === space && claim.name === name && claim.holder === holder;
  }

  /** Asks the other servers. Never throws: whoever wants the name looks first what came of it meanwhile. */
  async agree(claim: Claim): Promise<void> {
    await this.release();
    try {
      const reservation = await this.replica.reserve(claim.space, claim.name, claim.holder);
      this.held = { claim, reservation };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refusal = error;
    }
  }

  /** Gives the name back as soon as nothing that claims it is in flight. */
  async release(): Promise<void> {
    if (this.held === null) return;
    const { claim, reservation } = this.held;
    this.held = null;
    const key = nameKey(claim.space, claim.name);
    while (this.replica.isPending([key])) await this.replica.nextFold();
    reservation.release();
  }
}
