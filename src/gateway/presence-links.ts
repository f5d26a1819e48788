/**
 * Who is online and who types, between servers: told to those that are linked, never stored, never passed on.
 *
 * Problem: people on two servers should see each other as on one, and thousands who come back at once must not
 * flood the links. Approach: with a link this server tells who is here, then what changes; both wait in one line
 * per peer in which an account stands once, with what is true of it last, and which is told in bounded frames.
 * Two servers without a link between them show each other's people as offline: rejected was passing on through a
 * third (whose word would have to end with either link).
 */
import type { AccountId, ConversationId } from "../core/ids.ts";
import { PRESENCE_PER_FRAME_MAX, PRESENCE_TELL_MS } from "../core/limits.ts";
import type { PeerText } from "../protocol/peer.ts";
import type { Clock, Timer } from "../replica/ports.ts";
import type { Replica } from "../replica/replica.ts";
import { Presence } from "./presence.ts";

/** What a peer is yet to be told. */
type Line = { anew: boolean; readonly waiting: Map<AccountId, boolean> };

export type PresenceLinksParts = {
  readonly replica: Replica;
  readonly clock: Clock;
  /** Tells the clients here. */
  readonly changed: (account: AccountId, online: boolean) => void;
  readonly typing: (account: AccountId, conversation: ConversationId) => void;
};

export class PresenceLinks {
  readonly presence: Presence;
  private readonly parts: PresenceLinksParts;
  private readonly lines = new Map<string, Line>();
  private timer: Timer | null = null;
  private stopped = false;

  constructor(parts: PresenceLinksParts) {
    this.parts = parts;
    this.presence = new Presence(parts.clock, {
      changed: parts.changed,
      changedHere: (account, online) => this.note(account, online),
    });
  }

  /** A peer is linked and heard, was silent, or its link is over. */
  reach(peer: string, what: "live" | "silent" | "gone"): void {
    if (what === "live") {
      const waiting = new Map(this.presence.here().map((account) => [account, true]));
      this.lines.set(peer, { anew: true, waiting });
      this.arm();
    } else if (what === "gone") {
      this.lines.delete(peer);
      this.presence.lost(peer);
    }
  }

  /** What a peer says. */
  heard(peer: string, said: PeerText): void {
    if (said.type === "presence") {
      const [online, offline] = [said.online as AccountId[], said.offline as AccountId[]];
      this.presence.heard(peer, online, offline, said.anew);
    } else if (said.type === "typing") {
      this.parts.typing(said.account as AccountId, said.conversation as ConversationId);
    }
  }

  /** Somebody types here; the caller has seen to it that this is not told too often. */
  types(account: AccountId, conversation: ConversationId): void {
    for (const peer of this.lines.keys()) {
      this.parts.replica.say(peer, { type: "typing", account, conversation });
    }
  }

  private note(account: AccountId, online: boolean): void {
    for (const { waiting } of this.lines.values()) waiting.set(account, online);
    if (this.lines.size > 0) this.arm();
  }

  private arm(): void {
    if (this.stopped) return;
    this.timer ??= this.parts.clock.schedule(PRESENCE_TELL_MS, () => {
      this.timer = null;
      let isMore = false;
      for (const [peer, line] of this.lines) isMore = this.tell(peer, line) || isMore;
      if (isMore) this.arm();
    });
  }

  /** One frame; whether there is more. */
  private tell(peer: string, line: Line): boolean {
    const some = [...line.waiting].slice(0, PRESENCE_PER_FRAME_MAX);
    if (some.length === 0 && !line.anew) return false;
    for (const [account] of some) line.waiting.delete(account);
    const those = (wanted: boolean) =>
      some.filter(([, online]) => online === wanted).map(([account]) => account);
    const frame = { anew: line.anew, online: those(true), offline: those(false) };
    line.anew = false;
    this.parts.replica.say(peer, { type: "presence", ...frame });
    return line.waiting.size > 0;
  }

  /** From now on nobody is told of anything. */
  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.presence.stop();
  }
}
