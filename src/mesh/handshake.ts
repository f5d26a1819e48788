/**
 * The handshake of one connection, as a state machine without I/O: frames in, frames out, then the keys of the
 * link, or a refusal that says why.
 *
 * The dialler proves first, so whoever dials learns nothing by it but what a server says to anybody. Each end
 * judges who the other is before its own proof goes out: once an honest end has sent its proof and checked the
 * other's, nothing of it can be refused any more.
 */
import { HANDSHAKE_BYTES_MAX } from "../core/limits.ts";
import {
  commonVersion,
  decodeHandshake,
  encodeHandshake,
  type HandshakeMessage,
  type Hello,
  type Proof,
} from "../protocol/peer-hello.ts";
import { commonSecret, type LinkSecrets, type MetBy } from "./link-secret.ts";
import {
  checkProof,
  frameKey,
  makeProof,
  otherRole,
  type Role,
  Share,
  transcriptOf,
} from "./proof.ts";
import { isLinkRefusal, type LinkRefusal } from "./refusals.ts";
import type { ServerKey } from "./server-key.ts";

/** What this server says of itself, besides what is made for one handshake. */
export type Self = Omit<Hello, "type" | "nonce" | "share" | "wallMs" | "key" | "secrets">;

export type HandshakeParts = {
  readonly role: Role;
  readonly self: Self;
  readonly secrets: LinkSecrets;
  readonly key: ServerKey;
  readonly wallMs: number;
  /** 32 bytes that nobody can guess, as text. */
  readonly nonce: string;
  readonly send: (frame: Uint8Array<ArrayBuffer>) => void;
  /** Whether there may be a link with who the other says it is. */
  readonly judge: (theirs: Hello, mine: Hello, met: MetBy) => LinkRefusal | null;
};

export type Authenticated = {
  readonly hello: Hello;
  readonly met: MetBy;
  readonly version: number;
  /** Keys of what is sent from here, and of what comes. */
  readonly sealKey: Uint8Array;
  readonly openKey: Uint8Array;
};

/** The end of a handshake that led to nothing. */
export class HandshakeRefused extends Error {
  override name = "HandshakeRefused";
  readonly code: LinkRefusal;
  /** Whether the other end said so; otherwise this one did. */
  readonly isTold: boolean;

  constructor(code: LinkRefusal, isTold: boolean) {
    super(code);
    this.code = code;
    this.isTold = isTold;
  }
}

export class Handshake {
  readonly mine: Hello;
  /** What the other said; not believed before the end. */
  theirs: Hello | null = null;
  private readonly parts: HandshakeParts;
  private readonly share = new Share();
  private readonly mineBytes: Uint8Array<ArrayBuffer>;
  private transcript: Uint8Array | null = null;
  private met: MetBy | null = null;
  private isOver = false;

  constructor(parts: HandshakeParts) {
    this.parts = parts;
    const { self, secrets, key, nonce, wallMs } = parts;
    this.mine = {
      type: "hello",
      ...self,
      key: key.publicText,
      secrets: secrets.told.map(({ id }) => id),
      nonce,
      share: this.share.text,
      wallMs: Math.max(0, Math.floor(wallMs)),
    };
    this.mineBytes = encodeHandshake(this.mine);
  }

  /** The dialler speaks first. */
  begin(): void {
    if (this.parts.role === "dialler") this.parts.send(this.mineBytes);
  }

  /** Throws HandshakeRefused; null while there is more to come. */
  receive(frame: Uint8Array): Authenticated | null {
    const message = this.decode(frame);
    if (message.type === "refused") {
      this.isOver = true;
      throw new HandshakeRefused(isLinkRefusal(message.code) ? message.code : "malformed", true);
    }
    const { theirs, transcript, met } = this;
    if (theirs === null || transcript === null || met === null) {
      if (message.type !== "hello") throw this.refuse("malformed");
      this.meet(message, frame);
      return null;
    }
    if (message.type !== "proof") throw this.refuse("malformed");
    return this.finish(message, theirs, transcript, met);
  }

  private decode(frame: Uint8Array): HandshakeMessage {
    if (this.isOver || frame.length > HANDSHAKE_BYTES_MAX) throw this.refuse("malformed");
    try {
      return decodeHandshake(frame);
    } catch {
      throw this.refuse("malformed");
    }
  }

  private meet(theirs: Hello, frame: Uint8Array): void {
    const { role, secrets, send } = this.parts;
    this.theirs = theirs;
    const isDialler = role === "dialler";
    this.transcript = isDialler
      ? transcriptOf(this.mineBytes, frame)
      : transcriptOf(frame, this.mineBytes);
    if (!isDialler) send(this.mineBytes);
    const { mine } = this;
    if (theirs.instance === mine.instance) throw this.refuse("itself");
    if (theirs.cluster !== mine.cluster) throw this.refuse("other_cluster");
    if (commonVersion(mine, theirs) === null) throw this.refuse("version");
    this.met = commonSecret(role, secrets, mine, theirs);
    if (this.met === null) {
      throw this.refuse(theirs.joins && !isDialler ? "token_unknown" : "wrong_secret");
    }
    if (isDialler) {
      this.judge(theirs, this.met);
      this.prove(this.transcript, this.met);
    }
  }

  private finish(proof: Proof, theirs: Hello, transcript: Uint8Array, met: MetBy): Authenticated {
    const { role } = this.parts;
    const other = otherRole(role);
    const wrong = checkProof(met.key, theirs.key, other, transcript, proof);
    if (wrong !== null) throw this.refuse(wrong);
    const agreed = this.share.agree(theirs.share);
    if (agreed === null) throw this.refuse("malformed");
    if (role === "acceptor") {
      this.judge(theirs, met);
      this.prove(transcript, met);
    }
    this.isOver = true;
    return {
      hello: theirs,
      met,
      version: commonVersion(this.mine, theirs) as number,
      sealKey: frameKey(met.key, agreed, role, transcript),
      openKey: frameKey(met.key, agreed, other, transcript),
    };
  }

  private judge(theirs: Hello, met: MetBy): void {
    const code = this.parts.judge(theirs, this.mine, met);
    if (code !== null) throw this.refuse(code);
  }

  private prove(transcript: Uint8Array, met: MetBy): void {
    const { role, key, send } = this.parts;
    send(encodeHandshake(makeProof(met.key, key, role, transcript)));
  }

  /** Tells the other end why, and ends. */
  refuse(code: LinkRefusal): HandshakeRefused {
    if (!this.isOver) this.parts.send(encodeHandshake({ type: "refused", code }));
    this.isOver = true;
    return new HandshakeRefused(code, false);
  }
}
