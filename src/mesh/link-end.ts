/**
 * One end of a connection between servers, whoever opened it: first its handshake, then the link.
 *
 * Until both ends have proved who they are, nothing but the handshake is parsed, and time for it is short.
 * A peer that does not read is cut off when its backlog passes its bound. What follows from a call comes later,
 * never within it (PeerLink).
 */
import { toBase64Url } from "../core/bytes.ts";
import { HANDSHAKE_DEADLINE_MS, LINK_BACKLOG_BYTES_MAX } from "../core/limits.ts";
import type { Hello } from "../protocol/peer-hello.ts";
import {
  decodeLinkMessage,
  encodeLinkMessage,
  isLinkMessage,
  type LinkMessage,
} from "../protocol/peer-link.ts";
import type { Clock, PeerFrame, PeerLink, Random, Timer } from "../replica/ports.ts";
import {
  type Authenticated,
  Handshake,
  type HandshakeParts,
  HandshakeRefused,
  type Self,
} from "./handshake.ts";
import type { LinkSecrets, MetBy } from "./link-secret.ts";
import type { Role } from "./proof.ts";
import { type DialProblem, isLinkRefusal, type LinkProblem, type LinkRefusal } from "./refusals.ts";
import { Opener, Sealer, Unsealable } from "./sealed-frames.ts";
import type { ServerKey } from "./server-key.ts";
import type { Wire, WireListener } from "./wire.ts";

/** How an end came to its end. */
export type Ending = {
  readonly problem: LinkProblem;
  /** Whether the peer said so. */
  readonly isTold: boolean;
  /** More for the log; null if the problem says it all. */
  readonly detail: string | null;
};

export interface LinkHost {
  /** Whether there may be a link with who the other end says it is. */
  judge(end: LinkEnd, theirs: Hello, mine: Hello, met: MetBy): LinkRefusal | null;
  authenticated(end: LinkEnd): void;
  received(end: LinkEnd, frame: PeerFrame): void;
  /** What the other carrier said, besides why it ends. */
  told(end: LinkEnd, message: LinkMessage): void;
  /** Once, also for one that was never authenticated. */
  ended(end: LinkEnd, ending: Ending): void;
}

export type LinkEndParts = {
  readonly role: Role;
  /** Whom was dialled, or from where a peer did. */
  readonly address: string;
  readonly self: Self;
  readonly secrets: LinkSecrets;
  readonly key: ServerKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly host: LinkHost;
};

type State =
  | { readonly is: "meeting" }
  | { readonly is: "linked"; readonly sealer: Sealer; readonly opener: Opener }
  | { readonly is: "over" };

export class LinkEnd implements PeerLink, WireListener {
  readonly role: Role;
  readonly address: string;
  readonly sinceMs: number;
  /** When the last frame came. */
  heardMs: number;
  /** By which secret both proved themselves; null before they have. */
  met: MetBy | null = null;
  /** Who is at the other end; not believed before {@link isLinked}. */
  private readonly handshake: Handshake;
  private readonly parts: LinkEndParts;
  private wire: Wire | null = null;
  private state: State = { is: "meeting" };
  private deadline: Timer | null;
  private isReached = false;

  constructor(parts: LinkEndParts) {
    const { role, address, clock, random, host } = parts;
    this.parts = parts;
    this.role = role;
    this.address = address;
    this.sinceMs = clock.monotonicMs();
    this.heardMs = this.sinceMs;
    this.deadline = clock.schedule(HANDSHAKE_DEADLINE_MS, () => this.late());
    const handshakeParts: HandshakeParts = {
      ...parts,
      wallMs: clock.wallMs(),
      nonce: toBase64Url(random.bytes(32)),
      send: (frame) => {
        if (this.state.is !== "over") this.wire?.send(frame);
      },
      judge: (theirs, mine, met) => host.judge(this, theirs, mine, met),
    };
    this.handshake = new Handshake(handshakeParts);
  }

  get mine(): Hello {
    return this.handshake.mine;
  }

  get theirs(): Hello | null {
    return this.handshake.theirs;
  }

  get isLinked(): boolean {
    return this.state.is === "linked";
  }

  /** The wire that carries it; `opened` follows. */
  carriedBy(wire: Wire): void {
    this.wire = wire;
  }

  opened(): void {
    if (this.state.is !== "meeting") return;
    this.isReached = true;
    this.handshake.begin();
  }

  failed(problem: DialProblem): void {
    this.end({ problem, isTold: false, detail: null });
  }

  closed(): void {
    const problem = this.state.is === "linked" ? "lost" : "failed";
    this.end({ problem, isTold: false, detail: null });
  }

  received(bytes: Uint8Array | null): void {
    const { state } = this;
    if (state.is === "over") return;
    if (state.is === "meeting") this.meet(bytes ?? new Uint8Array());
    else this.open(state.opener, bytes);
  }

  private meet(bytes: Uint8Array): void {
    let result: Authenticated | null;
    try {
      result = this.handshake.receive(bytes);
    } catch (error) {
      if (!(error instanceof HandshakeRefused)) throw error;
      this.end({ problem: error.code, isTold: error.isTold, detail: null });
      this.wire?.close(); // behind what it says
      return;
    }
    if (result === null || this.state.is !== "meeting") return;
    this.deadline?.cancel();
    this.deadline = null;
    const { sealKey, openKey, met } = result;
    this.met = met;
    this.state = { is: "linked", sealer: new Sealer(sealKey), opener: new Opener(openKey) };
    this.heardMs = this.parts.clock.monotonicMs();
    this.parts.host.authenticated(this);
  }

  private open(opener: Opener, bytes: Uint8Array | null): void {
    let frame: PeerFrame | null;
    try {
      if (bytes === null) throw new Unsealable("a piece is text");
      frame = opener.open(bytes);
    } catch (error) {
      if (!(error instanceof Unsealable)) throw error;
      this.wire?.cut();
      this.end({ problem: "malformed", isTold: false, detail: error.message });
      return;
    }
    this.heardMs = this.parts.clock.monotonicMs();
    if (frame === null) return;
    if (isLinkMessage(frame)) this.hear(frame);
    else this.parts.host.received(this, frame);
  }

  /** What the other carrier says, not the other replica. */
  private hear(frame: string): void {
    const said = decodeLinkMessage(frame);
    if (said === "unknown") return;
    if (said === null) {
      this.wire?.cut();
      this.end({ problem: "malformed", isTold: false, detail: "it says what no server says" });
    } else if (said.type === "link.refused") {
      const problem = isLinkRefusal(said.code) ? said.code : "malformed";
      this.end({ problem, isTold: true, detail: null });
      this.wire?.close();
    } else this.parts.host.told(this, said);
  }

  /** To the other carrier. */
  say(message: LinkMessage): void {
    this.send(encodeLinkMessage(message));
  }

  send(frame: PeerFrame): void {
    const { state, wire } = this;
    if (state.is !== "linked" || wire === null) return;
    for (const piece of state.sealer.seal(frame)) wire.send(piece);
    if (wire.backlogBytes > LINK_BACKLOG_BYTES_MAX) this.close("it does not take what it is sent");
  }

  get backlogBytes(): number {
    return this.wire?.backlogBytes ?? 0;
  }

  close(reason: string): void {
    if (this.state.is === "over") return;
    this.wire?.cut();
    this.end({ problem: "lost", isTold: false, detail: reason });
  }

  /** Ends it without a word, as a network that breaks does. */
  sever(): void {
    this.wire?.cut();
    this.end({ problem: "severed", isTold: false, detail: null });
  }

  /** Ends it behind what was sent: this server stops. */
  leave(): void {
    if (this.state.is === "over") return;
    this.end({ problem: "lost", isTold: false, detail: "this server stops" });
    this.wire?.close();
  }

  /** Ends a handshake, or a link, for a reason that the peer is told if it can be. */
  refuse(code: LinkRefusal): void {
    if (this.state.is === "over") return;
    if (this.state.is === "linked") this.say({ type: "link.refused", code });
    else if (this.isReached) this.handshake.refuse(code);
    this.end({ problem: code, isTold: false, detail: null });
    this.wire?.close();
  }

  private late(): void {
    this.deadline = null;
    if (this.state.is !== "meeting") return;
    if (this.isReached) this.refuse("too_slow");
    else {
      this.wire?.cut();
      this.end({ problem: "timed_out", isTold: false, detail: null });
    }
  }

  private end(ending: Ending): void {
    if (this.state.is === "over") return;
    this.state = { is: "over" };
    this.deadline?.cancel();
    this.parts.clock.schedule(0, () => this.parts.host.ended(this, ending));
  }
}
