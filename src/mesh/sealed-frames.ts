/**
 * Frames of a link as sealed pieces, and back.
 *
 * A piece is AES-256-GCM (NIST SP 800-38D) over one byte of flags and a part of a frame; its nonce is its
 * number, so one that is lost, repeated, moved or changed does not open. Pieces are small: a connection's bound
 * on what it takes is that of clients, and nothing large is kept for whoever can't seal. Text and bytes
 * differ by a flag.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { assert } from "../core/assert.ts";
import { concatBytes, fromUtf8, utf8 } from "../core/bytes.ts";
import { LINK_PIECE_BYTES_MAX, PEER_FRAME_BYTES_MAX } from "../core/limits.ts";
import type { PeerFrame } from "../replica/ports.ts";

const CIPHER = "aes-256-gcm";
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const FLAG_LAST = 1;
const FLAG_TEXT = 2;
const NOTHING = new Uint8Array();

/** Counts pieces of one direction; never starts anew under one key. */
class Nonce {
  private readonly bytes = new Uint8Array(NONCE_BYTES);
  private readonly view = new DataView(this.bytes.buffer);
  private count = 0;

  next(): Uint8Array {
    this.count++;
    assert(Number.isSafeInteger(this.count), "pieces of a link are counted exactly");
    this.view.setUint32(4, Math.floor(this.count / 2 ** 32));
    this.view.setUint32(8, this.count >>> 0);
    return this.bytes;
  }
}

export class Sealer {
  private readonly key: Uint8Array;
  private readonly nonce = new Nonce();

  constructor(key: Uint8Array) {
    this.key = key;
  }

  seal(frame: PeerFrame): Uint8Array<ArrayBuffer>[] {
    const isText = typeof frame === "string";
    const bytes = isText ? utf8(frame) : frame;
    assert(bytes.length <= PEER_FRAME_BYTES_MAX, "a frame between servers is within its bound");
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let at = 0;
    do {
      const part = bytes.subarray(at, at + LINK_PIECE_BYTES_MAX);
      at += part.length;
      const last = at >= bytes.length ? FLAG_LAST : 0;
      pieces.push(this.piece(last | (isText ? FLAG_TEXT : 0), part));
    } while (at < bytes.length);
    return pieces;
  }

  private piece(flags: number, part: Uint8Array): Uint8Array<ArrayBuffer> {
    const cipher = createCipheriv(CIPHER, this.key, this.nonce.next());
    const head = cipher.update(Uint8Array.of(flags));
    const body = part.length === 0 ? NOTHING : cipher.update(part);
    cipher.final();
    return concatBytes(head, body, cipher.getAuthTag());
  }
}

/** What the other end sealed is not what came. */
export class Unsealable extends Error {
  override name = "Unsealable";
}

export class Opener {
  private readonly key: Uint8Array;
  private readonly nonce = new Nonce();
  private parts: Uint8Array[] = [];
  private length = 0;

  constructor(key: Uint8Array) {
    this.key = key;
  }

  /** A whole frame with its last piece, null before. Throws Unsealable; after that nothing may follow. */
  open(piece: Uint8Array): PeerFrame | null {
    const { flags, part } = this.piece(piece);
    this.length += part.length;
    if (this.length > PEER_FRAME_BYTES_MAX)
      throw new Unsealable("a frame is longer than its bound");
    this.parts.push(part);
    if ((flags & FLAG_LAST) === 0) {
      if (part.length === 0) throw new Unsealable("a piece holds nothing");
      return null;
    }
    const frame = this.parts.length === 1 ? part : concatBytes(...this.parts);
    this.parts = [];
    this.length = 0;
    return (flags & FLAG_TEXT) === 0 ? frame : textOf(frame);
  }

  private piece(sealed: Uint8Array): { flags: number; part: Uint8Array } {
    const end = sealed.length - TAG_BYTES;
    if (end < 1 || end > LINK_PIECE_BYTES_MAX + 1)
      throw new Unsealable("a piece has no such length");
    const decipher = createDecipheriv(CIPHER, this.key, this.nonce.next());
    decipher.setAuthTag(sealed.subarray(end));
    const opened = new Uint8Array(decipher.update(sealed.subarray(0, end)));
    try {
      decipher.final();
    } catch {
      throw new Unsealable("a piece was changed, lost or repeated on its way");
    }
    return { flags: opened[0] as number, part: opened.subarray(1) };
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new Unsealable("a text is not UTF-8");
  }
}
