/** What an account missed since a cursor, as notices: for a resume and for clients that poll. */
import { type Cursor, cursorText } from "../core/cursor.ts";
import { type AccountId, type ConversationId, isChannelId } from "../core/ids.ts";
import { RESUME_EVENTS_MAX } from "../core/limits.ts";
import { POSITION_START } from "../core/position.ts";
import type { FeedScope } from "../core/read-view.ts";
import { feedScopes } from "../ops/audience.ts";
import { subjectsOf } from "../ops/fold.ts";
import type { Replica } from "../replica/replica.ts";
import type { Notice, Notices } from "./notices.ts";

/** Up to so many ops are looked at one by one; past it the feed of each conversation is read. */
const SCAN_OPS_MAX = 512;

export type Missed = {
  readonly events: readonly { readonly notice: Notice; readonly cursor: string }[];
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

  /** The events of at most `limit` arrivals; null when too much was missed or the cursor tells nothing. */
  since(account: AccountId, cursor: Cursor, limit: number): Missed | null {
    const { view, cursors, hash } = this.replica;
    const fromN = cursors.arrivalOf(cursor);
    if (fromN === null) return null;
    const current = cursors.current();
    if (fromN === view.foldedN) return { events: [], cursor: current };
    const scopes = this.scopesOf(account);
    const ns = this.arrivals(scopes, fromN, RESUME_EVENTS_MAX + 1);
    if (ns.length > RESUME_EVENTS_MAX) return null;
    const events: { notice: Notice; cursor: string }[] = [];
    const known = new Set<ConversationId>();
    let end = cursorText(cursor);
    for (const [index, n] of ns.entries()) {
      if (index === limit) {
        return { events, cursor: end };
      }
      const op = view.op(n);
      const at = cursorText({ ...cursor, n, mark: cursors.markOf(op) });
      const subjects = subjectsOf(hash, n, op);
      for (const subject of subjects) {
        if (subject.table !== "message" || known.has(subject.conversation)) continue;
        known.add(subject.conversation);
        const notice = this.openedSince(subject.conversation, account, fromN);
        if (notice !== null) events.push({ notice, cursor: end });
      }
      const own = this.notices
        .of(n, op, subjects)
        .filter((notice) => notice.scopes.some((scope) => scopes.has(scope)));
      for (const notice of own) {
        events.push({ notice, cursor: notice === own.at(-1) ? at : end });
      }
      end = at;
    }
    return { events, cursor: current };
  }

  /** That a direct conversation began after an arrival: as it is told live before its first message. */
  private openedSince(id: ConversationId, account: AccountId, fromN: number): Notice | null {
    if (isChannelId(id)) return null;
    const [oldest] = this.replica.view.history(id, { after: POSITION_START }, 1);
    return oldest === undefined || oldest.n <= fromN ? null : this.notices.opened(id, account);
  }

  private arrivals(scopes: ReadonlySet<FeedScope>, fromN: number, limit: number): number[] {
    const { view, hash } = this.replica;
    if (view.foldedN - fromN > SCAN_OPS_MAX) return view.feed([...scopes], fromN, limit);
    const ns: number[] = [];
    for (let n = fromN + 1; n <= view.foldedN && ns.length < limit; n++) {
      const op = view.op(n);
      const subjects = subjectsOf(hash, n, op);
      const concerned = subjects.some((subject) =>
        feedScopes(subject, op).some((scope) => scopes.has(scope)),
      );
      if (concerned && view.effect(op.author, op.id) === n) ns.push(n);
    }
    return ns;
  }
}
