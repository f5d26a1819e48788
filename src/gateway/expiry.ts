/**
 * Ends what is over by time: sessions that are too old, invitations past their time.
 *
 * Problem: it is to be done once for a cluster, and go on through partitions and crashes, without an agreement on
 * who does it. Approach: the server that leads looks in every slot of time and mints what is due; the request id of
 * each op is made of the job, the slot and what it is about. Two leaders during a partition mint under the same
 * ids, of which one counts; a leader that dies leaves the rest to the next slot. Rejected: judging by time wherever
 * a session is used (each server by its own clock, and its tokens would never leave the disk).
 *
 * Bounds: a page of accounts at a time, and the next one when what was minted for it is answered.
 */
import { utf8 } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { type AccountId, operatorId, type RequestId, requestIdFrom } from "../core/ids.ts";
import {
  EXPIRY_SLOT_MS,
  INVITATION_GRACE_MS,
  LIST_PAGE_MAX,
  SESSION_AGE_MS_MAX,
} from "../core/limits.ts";
import { invitationRevoke } from "../ops/invitation.ts";
import type { Content, Kind } from "../ops/kind.ts";
import { sessionEnd } from "../ops/session.ts";
import { subjectKey } from "../replica/pending.ts";
import type { Clock, Timer } from "../replica/ports.ts";
import type { Replica } from "../replica/replica.ts";
import { goodSessions } from "./accounts.ts";

export class Expiry {
  private readonly replica: Replica;
  private readonly clock: Clock;
  private timer: Timer | null = null;
  private stopped = false;

  constructor(replica: Replica, clock: Clock) {
    this.replica = replica;
    this.clock = clock;
  }

  /** Looks in every slot from now on. */
  start(): void {
    if (this.stopped) return;
    this.timer = this.clock.schedule(EXPIRY_SLOT_MS, () => {
      void this.look().finally(() => this.start());
    });
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private get leads(): boolean {
    const { replica } = this;
    // A clock that is not trusted ends nobody's session.
    const isTrusted = replica.figures().clockLeapMs === 0;
    return !this.stopped && isTrusted && replica.isLeader && !replica.isBehind;
  }

  /** Ends what is due now, if this server leads. */
  async look(): Promise<void> {
    if (!this.leads) return;
    const nowMs = this.replica.wallMs();
    const slot = Math.floor(nowMs / EXPIRY_SLOT_MS);
    await this.revokeInvitations(slot, nowMs);
    await this.endSessions(slot, nowMs);
  }

  private async revokeInvitations(slot: number, nowMs: number): Promise<void> {
    const { view } = this.replica;
    for (const invitation of view.invitations()) {
      const state = view.get("invitation", invitation);
      if (state?.created === undefined || state.revoked !== undefined) continue;
      if (nowMs < (state.expiresMs ?? 0) + INVITATION_GRACE_MS) continue;
      const content = { scope: null, data: { invitation }, body: null };
      const changes = [subjectKey({ table: "invitation", key: invitation })];
      if (!(await this.mint(slot, invitation, invitationRevoke, content, changes))) return;
    }
  }

  private async endSessions(slot: number, nowMs: number): Promise<void> {
    const { view } = this.replica;
    let after = "";
    do {
      const page = view.listAccounts("*", after, LIST_PAGE_MAX);
      const old = page.flatMap(({ holder }) =>
        goodSessions(view, holder as AccountId).filter(
          ({ state }) => nowMs - (state.openedMs ?? nowMs) > SESSION_AGE_MS_MAX,
        ),
      );
      for (const { id: session } of old) {
        const content = { scope: null, data: { session }, body: null };
        const changes = [subjectKey({ table: "session", key: session })];
        if (!(await this.mint(slot, session, sessionEnd, content, changes))) return;
      }
      after = page.length < LIST_PAGE_MAX ? "" : (page.at(-1)?.shown ?? "");
      // Whoever waits for an answer goes first.
      await new Promise<void>((resolve) => this.clock.schedule(0, resolve));
    } while (after !== "" && this.leads);
  }

  /** False if it is to be left to a later slot. */
  private async mint<D, B>(
    slot: number,
    subject: string,
    kind: Kind<D, B>,
    content: Content<D, B>,
    changes: readonly string[],
  ): Promise<boolean> {
    const { replica } = this;
    const author = operatorId(replica.hash);
    const id = jobRequestId(replica, slot, subject);
    try {
      await (replica.earlier(author, id, kind, content) ??
        replica.mint({ author, id, kind, content, changes }));
      return this.leads;
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  }
}

/** The same on every server: time and what is done to what. */
function jobRequestId({ hash }: Pick<Replica, "hash">, slot: number, subject: string): RequestId {
  const digest = hash.sha256(utf8(`holdfast/expiry\0${slot}\0${subject}`));
  return requestIdFrom(slot * EXPIRY_SLOT_MS, digest.subarray(0, 10));
}
