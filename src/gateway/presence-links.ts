/**
 * Who is online and who types, between servers: told to those that are linked, never stored.
 *
 * Problem: people on two servers should see each other as on one, and thousands who come back at once must not
 * flood the links. Approach: with a link this server tells who is here, then what changes; both wait in one line
 * per peer in which an account stands once, with what is true of it last, and which is told in bounded frames.
 * Of two peers that do not hear each other, each is told in a further line who is at the other: once, never
 * further, so no rumour goes in a circle. What was passed on ends with either link. Rejected: nothing (a broken
 * link would put half of one's colleagues offline), and passing on whatever is heard (ghosts).
 */
import type { AccountId, ConversationId } from "../core/ids.ts";
import {
  LINKS_MAX,
  PRESENCE_LOOK_MS,
  PRESENCE_PER_FRAME_MAX,
  PRESENCE_TELL_MS,
} from "../core/limits.ts";
import type { PeerMessage, PeerText } from "../protocol/peer.ts";
import type { Clock, Timer } from "../replica/ports.ts";
import type { Replica } from "../replica/replica.ts";
import { Presence } from "./presence.ts";

/** What a peer is yet to be told of one server's people. */
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
  /** By peer, then by whose people they are. */
  private readonly lines = new Map<string, Map<string, Line>>();
  /** By peer: of whom it passed something on. */
  private readonly through = new Map<string, Set<string>>();
  private looking: Timer | null = null;
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
      this.lines.set(peer, new Map([[this.name, lineOf(this.presence.here())]]));
      this.arm();
      this.look();
    } else if (what === "gone") {
      this.lines.delete(peer);
      for (const other of this.lines.keys()) this.pass(other, peer, false);
      this.presence.lost(peer);
      for (const of of this.through.get(peer) ?? []) this.presence.lost(passed(of, peer));
      this.through.delete(peer);
    }
  }

  private get name(): string {
    return this.parts.replica.name;
  }

  /** Now and then, while there are two: who of them does not hear whom. */
  private look(): void {
    if (this.stopped || this.lines.size < 2) return;
    this.looking ??= this.parts.clock.schedule(PRESENCE_LOOK_MS, () => {
      this.looking = null;
      for (const { name, hears } of this.parts.replica.status().servers) {
        if (hears === null || !this.lines.has(name)) continue;
        for (const other of this.lines.keys()) {
          if (other !== name) this.pass(name, other, !hears.includes(other));
        }
      }
      this.look();
    });
  }

  /** Whether a peer is told from here who is at another. */
  private pass(peer: string, of: string, isPassed: boolean): void {
    const lines = this.lines.get(peer);
    if (lines === undefined || lines.has(of) === isPassed) return;
    if (isPassed) {
      lines.set(of, lineOf(this.presence.at(of)));
      this.arm();
    } else {
      lines.delete(of);
      const nobody = { of, anew: true, online: [], offline: [] };
      this.parts.replica.say(peer, { type: "presence", ...nobody });
    }
  }

  /** Who is told of that server's people, and does not hear it. */
  private linesOf(of: string): Line[] {
    return [...this.lines.values()].flatMap((lines) => lines.get(of) ?? []);
  }

  /** What a peer says. */
  heard(peer: string, said: PeerText): void {
    if (said.type === "presence") this.heardPresence(peer, said);
    if (said.type !== "typing" || said.of === this.name) return;
    const [account, conversation] = [
      said.account as AccountId,
      said.conversation as ConversationId,
    ];
    this.parts.typing(account, conversation);
    if (said.of === undefined) this.sayTyping(peer, account, conversation);
  }

  private heardPresence(peer: string, said: PeerMessage<"presence">): void {
    const { of, anew } = said;
    const [online, offline] = [said.online as AccountId[], said.offline as AccountId[]];
    if (of === undefined) {
      this.presence.heard(peer, online, offline, anew);
      for (const line of this.linesOf(peer)) {
        if (anew) begin(line, this.presence.at(peer));
        for (const account of online) line.waiting.set(account, true);
        for (const account of offline) line.waiting.set(account, false);
        this.arm();
      }
      return;
    }
    const known = this.through.get(peer) ?? new Set();
    if (of === this.name || (known.size >= LINKS_MAX && !known.has(of))) return;
    this.through.set(peer, known.add(of));
    this.presence.heard(passed(of, peer), online, offline, anew);
  }

  /** Somebody types here; the caller has seen to it that this is not told too often. */
  types(account: AccountId, conversation: ConversationId): void {
    this.sayTyping(this.name, account, conversation);
  }

  private sayTyping(at: string, account: AccountId, conversation: ConversationId): void {
    const of = at === this.name ? {} : { of: at };
    for (const [peer, lines] of this.lines) {
      if (!lines.has(at)) continue;
      this.parts.replica.say(peer, { type: "typing", ...of, account, conversation });
    }
  }

  private note(account: AccountId, online: boolean): void {
    for (const { waiting } of this.linesOf(this.name)) waiting.set(account, online);
    if (this.lines.size > 0) this.arm();
  }

  private arm(): void {
    if (this.stopped) return;
    this.timer ??= this.parts.clock.schedule(PRESENCE_TELL_MS, () => {
      this.timer = null;
      let isMore = false;
      for (const [peer, lines] of this.lines) {
        for (const [of, line] of lines) isMore = this.tell(peer, of, line) || isMore;
      }
      if (isMore) this.arm();
    });
  }

  /** One frame; whether there is more. */
  private tell(peer: string, of: string, line: Line): boolean {
    const some = [...line.waiting].slice(0, PRESENCE_PER_FRAME_MAX);
    if (some.length === 0 && !line.anew) return false;
    for (const [account] of some) line.waiting.delete(account);
    const those = (wanted: boolean) =>
      some.filter(([, online]) => online === wanted).map(([account]) => account);
    const frame = { anew: line.anew, online: those(true), offline: those(false) };
    line.anew = false;
    const whose = of === this.name ? {} : { of };
    this.parts.replica.say(peer, { type: "presence", ...whose, ...frame });
    return line.waiting.size > 0;
  }

  /** From now on nobody is told of anything. */
  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.looking?.cancel();
    this.presence.stop();
  }
}

function lineOf(accounts: readonly AccountId[]): Line {
  const line: Line = { anew: true, waiting: new Map() };
  begin(line, accounts);
  return line;
}

function begin(line: Line, accounts: readonly AccountId[]): void {
  line.anew = true;
  line.waiting.clear();
  for (const account of accounts) line.waiting.set(account, true);
}

/** What stands for a server whose people another one tells of; no name of a server contains a space. */
function passed(of: string, by: string): string {
  return `${of} by ${by}`;
}
