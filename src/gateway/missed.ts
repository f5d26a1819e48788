/** What an account missed since a cursor, as notices: for a resume and for clients that poll. */
import { type Cursor, cursorText, united } from "../core/cursor.ts";
import { type AccountId, type ConversationId, isChannelId } from "../core/ids.ts";
import { RESUME_EVENTS_MAX } from "../core/limits.ts";
import type { Op } from "../core/op.ts";
import { POSITION_START } from "../core/position.ts";
import type { FeedScope } from "../core/read-view.ts";
import type { Subject } from "../core/view.ts";
import { feedScopes } from "../ops/audience.ts";
import { subjectsOf } from "../ops/fold.ts";
import { mayLetIn, splitMemberKey } from "../ops/member.ts";
import type { EventName } from "../protocol/events.ts";
import type { Replica } from "../replica/replica.ts";
import { type Notice, type Notices, paramsFor } from "./notices.ts";

/** Up to so many ops are looked at one by one; past it the feed of each conversation is read. */
const SCAN_OPS_MAX = 512;

type MissedEvent = {
  readonly method: EventName;
  readonly params: Notice["params"];
  readonly cursor: string;
};
export type Missed = {
  readonly events: readonly MissedEvent[];
  /** Where it ends: everything up to there was seen when the events were. */
  readonly cursor: string;
};

export class MissedEvents {
  private readonly replica: Replica;
  private readonly notices: Notices;

  constructor(replica: Replica, notices: Notices) {
    this.replica = replica;
    this.notices = notices;
  }

  /** Everything whose events this account receives. */
  scopesOf(account: AccountId): Set<FeedScope> {
    const { view } = this.replica;
    const scopes = new Set<FeedScope>([account, "everybody"]);
    for (const { channel, standing } of view.channelsOf(account)) {
      if (standing === "joined") scopes.add(channel);
    }
    for (const direct of view.directsOf(account)) scopes.add(direct);
    return scopes;
  }

  /**
   * What was missed, or the first `limit` events of it: those of one op are never parted, so a page may hold
   * a few more where a single op has them. null when too much was missed or the cursor tells nothing.
   */
  since(account: AccountId, cursor: Cursor, limit = Number.POSITIVE_INFINITY): Missed | null {
    const { view, cursors, hash } = this.replica;
    const fromN = cursors.arrivalOf(cursor);
    if (fromN === null) return null;
    const also = cursors.uncovered(cursor);
    const current = united(cursors.current(), also);
    if (fromN === view.foldedN) return { events: [], cursor: current };
    const scopes = this.scopesOf(account);
    const ns = this.arrivals(scopes, fromN, RESUME_EVENTS_MAX + 1);
    if (ns.length > RESUME_EVENTS_MAX) return null;
    const events: MissedEvent[] = [];
    const known = new Set<ConversationId>();
    let end = cursorText(cursor);
    for (const n of ns) {
      const op = view.op(n);
      const subjects = subjectsOf(hash, n, op);
      const told = [
        ...this.opened(op, subjects, account, fromN, known),
        ...this.turned(n, op, subjects, account, scopes),
        ...this.notices
          .of(n, op, subjects)
          .filter((notice) => notice.scopes.some((scope) => scopes.has(scope))),
      ];
      if (events.length > 0 && events.length + told.length > limit) return { events, cursor: end };
      // Only the last event of an op vouches for it.
      const at = cursors.moved(cursor, n, op, also);
      for (const notice of told) {
        const { method } = notice;
        const params = paramsFor(notice, account);
        events.push({ method, params, cursor: notice === told.at(-1) ? at : end });
      }
      end = at;
    }
    return { events, cursor: current };
  }

  /** What an op opened for the account: as it is told live, before the events of the op. */
  private opened(
    op: Op,
    subjects: readonly Subject[],
    account: AccountId,
    fromN: number,
    known: Set<ConversationId>,
  ): Notice[] {
    const { view } = this.replica;
    const notices: (Notice | null)[] = [];
    for (const subject of subjects) {
      if (subject.table === "member") {
        const member = splitMemberKey(subject.key);
        if (member.account !== account || known.has(member.channel)) continue;
        if (!mayLetIn(view.get("member", subject.key), op)) continue;
        known.add(member.channel);
        notices.push(this.notices.opened(member.channel, account));
      } else if (subject.table === "message") {
        const { conversation } = subject;
        if (isChannelId(conversation) || known.has(conversation)) continue;
        known.add(conversation);
        if (!this.beganSince(conversation, fromN)) continue;
        notices.push(this.notices.opened(conversation, account));
      }
    }
    return notices.filter((notice) => notice !== null);
  }

  /** Channels whose shown messages are others than before this op, or than where it was not known. */
  private turned(
    n: number,
    op: Op,
    subjects: readonly Subject[],
    account: AccountId,
    scopes: ReadonlySet<FeedScope>,
  ): Notice[] {
    const channels = this.notices.turned(n, op, subjects).filter((one) => scopes.has(one));
    return channels
      .map((channel) => this.notices.opened(channel, account))
      .filter((notice) => notice !== null);
  }

  /** Whether the first message of this direct conversation came after an arrival. */
  private beganSince(id: ConversationId, fromN: number): boolean {
    const [oldest] = this.replica.view.history(id, { after: POSITION_START }, 1);
    return oldest !== undefined && oldest.n > fromN;
  }

  private arrivals(scopes: ReadonlySet<FeedScope>, fromN: number, limit: number): number[] {
    const { view, hash } = this.replica;
    if (view.foldedN - fromN > SCAN_OPS_MAX) return view.feed([...scopes], fromN, limit);
    const ns: number[] = [];
    for (let n = fromN + 1; n <= view.foldedN && ns.length < limit; n++) {
      const op = view.op(n);
      // One that does not count here may have been shown elsewhere, before the one that does came there.
      const subjects = subjectsOf(hash, n, op);
      const concerned = subjects.some((subject) =>
        feedScopes(subject, op).some((scope) => scopes.has(scope)),
      );
      if (concerned) ns.push(n);
    }
    return ns;
  }
}
