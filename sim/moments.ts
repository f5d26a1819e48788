/**
 * Moments that matter and that chance hardly hits: between two ops that one request makes, for example. A fault may
 * wait for one; and what the cluster does by itself is counted.
 */
import { operatorId } from "../src/core/ids.ts";
import type { Op } from "../src/core/op.ts";
import { invitationRevoke } from "../src/ops/invitation.ts";
import { serverRemove } from "../src/ops/server.ts";
import { sessionEnd } from "../src/ops/session.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import type { Time } from "./clock.ts";
import type { SimServer } from "./server.ts";
import type { Sometimes } from "./sometimes.ts";

type Waiting = { readonly server: SimServer; readonly kind: number; readonly act: () => void };

const OPERATOR = operatorId(sha256);
/** What is over by time is ended in the operator's name. */
const BY_ITSELF: ReadonlyMap<number, string> = new Map([
  [invitationRevoke.number, "an invitation past its time was revoked"],
  [sessionEnd.number, "a session was ended for its age"],
]);

export class Moments {
  /** When each server was removed last, by its name. */
  readonly removedMs = new Map<string, number>();
  private readonly time: Time;
  private readonly sometimes: Sometimes;
  private waiting: Waiting[] = [];

  constructor(time: Time, sometimes: Sometimes) {
    this.time = time;
    this.sometimes = sometimes;
  }

  /** Once, as soon as this server has stored an op of its own of this kind. */
  when(server: SimServer, kind: number, act: () => void): void {
    this.waiting.push({ server, kind, act });
  }

  minted(server: SimServer, { kind, author, data }: Op): void {
    if (kind === serverRemove.number) {
      this.removedMs.set((JSON.parse(data) as { readonly name: string }).name, this.time.nowMs);
    }
    const what = BY_ITSELF.get(kind);
    if (what !== undefined && author === OPERATOR) this.sometimes.happened(what);
    const due = this.waiting.filter((one) => one.server === server && one.kind === kind);
    if (due.length === 0) return;
    this.waiting = this.waiting.filter((one) => !due.includes(one));
    for (const { act } of due) act();
  }

  /** What was waited for comes no more. */
  forget(): void {
    this.waiting = [];
  }
}
