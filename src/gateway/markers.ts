/**
 * Read markers between the client and the log: at most one op per account and conversation in 5 s. The
 * newest place is kept in memory until its turn comes; a crash forgets at most those seconds.
 */
import type { AccountId, ConversationId, RequestId } from "../core/ids.ts";
import { requestIdFrom } from "../core/ids.ts";
import { MARKER_INTERVAL_MS } from "../core/limits.ts";
import type { Scope } from "../core/op.ts";
import type { Position } from "../core/position.ts";
import { markerSet } from "../ops/marker.ts";
import type { Clock, Random, Timer } from "../replica/ports.ts";
import type { Replica } from "../replica/replica.ts";

type Entry = { scope: Scope; upTo: Position | null; timer: Timer };

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
  waiting(account: AccountId, conversation: ConversationId): Position | null {
    return this.entries.get(`${account} ${conversation}`)?.upTo ?? null;
  }

  set(account: AccountId, conversation: ConversationId, scope: Scope, upTo: Position): void {
    const key = `${account} ${conversation}`;
    const entry = this.entries.get(key);
    if (entry !== undefined) {
      if (entry.upTo === null || upTo > entry.upTo) entry.upTo = upTo;
      return;
    }
    this.mint(account, scope, upTo);
    this.rest(key, account, scope);
  }

  /** Nothing more is stored for this pair until the interval is over. */
  private rest(key: string, account: AccountId, scope: Scope): void {
    const timer = this.clock.schedule(MARKER_INTERVAL_MS, () => {
      const entry = this.entries.get(key);
      this.entries.delete(key);
      if (entry?.upTo == null) return;
      this.mint(account, scope, entry.upTo);
      this.rest(key, account, scope);
    });
    this.entries.set(key, { scope, upTo: null, timer });
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
    for (const [key, { scope, upTo, timer }] of this.entries) {
      timer.cancel();
      if (upTo !== null) this.mint(key.split(" ")[0] as AccountId, scope, upTo);
    }
    this.entries.clear();
  }
}
