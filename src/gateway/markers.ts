/**
 * Read markers between the client and the log: at most one op per account and conversation in 5 s. The
 * newest place is kept in memory until its turn comes; a crash forgets at most those seconds.
 */
import type { AccountId, ConversationId, RequestId } from "../core/ids.ts";
import { requestIdFrom } from "../core/ids.ts";
import { MARKER_INTERVAL_MS } from "../core/limits.ts";
import type { Scope } from "../core/op.ts";
import type { Position } from "../core/position.ts";
import { latest } from "../core/register.ts";
import type { MarkerKey } from "../core/view.ts";
import { markerSet } from "../ops/marker.ts";
import type { Clock, Random, Timer } from "../replica/ports.ts";
import type { Replica } from "../replica/replica.ts";

type Entry = {
  readonly scope: Scope;
  /** The newest place, stored or not. */
  upTo: Position;
  isStored: boolean;
  readonly timer: Timer;
};

export class Markers {
  private readonly replica: Replica;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly entries = new Map<string, Entry>();

  constructor(replica: Replica, clock: Clock, random: Random) {
    this.replica = replica;
    this.clock = clock;
    this.random = random;
  }

  /** The marker as the account has set it, stored or about to be. */
  of(account: AccountId, conversation: ConversationId): Position | undefined {
    const key: MarkerKey = `${account} ${conversation}`;
    const stored = this.replica.view.get("marker", key)?.upTo;
    const entry = this.entries.get(key);
    return entry === undefined ? stored : latest(stored, entry.upTo);
  }

  /**
   * Moves the marker forward; a place behind it changes nothing. To set it again where it stands says that
   * what arrived late meanwhile was seen.
   */
  set(account: AccountId, conversation: ConversationId, scope: Scope, upTo: Position): void {
    const present = this.of(account, conversation);
    if (present !== undefined && upTo < present) return;
    if (upTo === present && this.replica.view.unread(account, conversation, upTo, 0) === 0) return;
    const key = `${account} ${conversation}`;
    const entry = this.entries.get(key);
    if (entry === undefined) {
      this.store(key, account, scope, upTo);
      return;
    }
    entry.upTo = upTo;
    entry.isStored = false;
  }

  /** Stores it; nothing more is stored for this pair until the interval is over. */
  private store(key: string, account: AccountId, scope: Scope, upTo: Position): void {
    this.mint(account, scope, upTo);
    const timer = this.clock.schedule(MARKER_INTERVAL_MS, () => {
      const entry = this.entries.get(key);
      this.entries.delete(key);
      if (entry !== undefined && !entry.isStored) this.store(key, account, scope, entry.upTo);
    });
    this.entries.set(key, { scope, upTo, isStored: true, timer });
  }

  private mint(author: AccountId, scope: Scope, upTo: Position): void {
    const id: RequestId = requestIdFrom(this.replica.wallMs(), this.random.bytes(10));
    const content = { scope, data: { upTo }, body: null };
    // A marker that cannot be stored just now comes with the next one.
    const mint = async () =>
      await this.replica.mint({ author, id, kind: markerSet, content, changes: [] });
    mint().catch(() => {});
  }

  /** Stores what still waits; before the server stops. */
  flush(): void {
    for (const [key, { scope, upTo, isStored, timer }] of this.entries) {
      timer.cancel();
      if (!isStored) this.mint(key.split(" ")[0] as AccountId, scope, upTo);
    }
    this.entries.clear();
  }
}
