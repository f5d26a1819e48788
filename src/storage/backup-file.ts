/**
 * The file of a backup: a header that people can read, then blocks, each checked, all of it checked.
 *
 * Problem: a backup is read years later, perhaps cut off by a full disk or a broken copy, perhaps made by
 * somebody else; none of that may be found out only when it is half restored. Approach: a header of 4 KiB
 * names what the file is and carries length and hash of all that follows, and a hash of itself; blocks are
 * bounded, so that nothing in the file can ask for memory. The header is written last: a file that was not
 * finished has none. Rejected: a copy of log.db (holds a reader open as long as it takes, so that erased words
 * stay; a page may be damaged in silence); compression (a small file may say that it is huge; pipe it).
 *
 * Header, UTF-8: `HOLDFAST BACKUP` and the format; JSON; SHA-256 of these two lines in hex; spaces to 4 KiB.
 * Block, little-endian: u32 length of what follows its kind | u8 kind | content. An empty one of kind 0 ends it.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { isServerName } from "../core/ids.ts";
import { StorageError } from "./failure.ts";

export const BACKUP_FORMAT = 1;
export const BACKUP_HEADER_BYTES = 4096;
const MAGIC = "HOLDFAST BACKUP";
const BLOCK_HEAD_BYTES = 5;
/** A block is closed once it has this much; one record, which is bounded, may come on top. */
export const BLOCK_BYTES = 1 << 20;
const BLOCK_BYTES_MAX = 2 * BLOCK_BYTES;

export const BLOCK = { end: 0, ops: 1, origins: 2, branches: 3, holes: 4, key: 5 } as const;
export type BlockKind = (typeof BLOCK)[keyof typeof BLOCK];

export type BackupHeader = {
  readonly format: number;
  /** When it was made, ISO 8601. */
  readonly made: string;
  readonly release: string;
  readonly cluster: string;
  readonly server: string;
  readonly store: string;
  /** Of the log that it was made of. */
  readonly logFormat: number;
  readonly ops: number;
  readonly origins: number;
  /** Digest of the version vector, as `holdfast verify` tells it. */
  readonly vector: string;
  readonly bodyBytes: number;
  /** SHA-256 of everything behind the header, hex. */
  readonly bodyHash: string;
};

/** Writes the blocks of a new file, and its header at the end. Blocks the thread. */
export class BackupWriter {
  private readonly fd: number;
  private readonly hash = new Bun.CryptoHasher("sha256");
  private at = BACKUP_HEADER_BYTES;

  constructor(fd: number) {
    this.fd = fd;
  }

  get bytes(): number {
    return this.at;
  }

  block(kind: BlockKind, content: Uint8Array): void {
    const head = new Uint8Array(BLOCK_HEAD_BYTES);
    new DataView(head.buffer).setUint32(0, content.length, true);
    head[4] = kind;
    for (const piece of [head, content]) {
      this.hash.update(piece);
      this.put(piece, this.at);
      this.at += piece.length;
    }
  }

  finish(about: Omit<BackupHeader, "format" | "bodyBytes" | "bodyHash">): BackupHeader {
    this.block(BLOCK.end, new Uint8Array());
    const bodyBytes = this.at - BACKUP_HEADER_BYTES;
    const header = {
      format: BACKUP_FORMAT,
      ...about,
      bodyBytes,
      bodyHash: this.hash.digest("hex"),
    };
    this.put(encodeHeader(header), 0);
    return header;
  }

  private put(bytes: Uint8Array, place: number): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.fd, bytes, done, bytes.length - done, place + done);
    }
  }
}

function sha256Hex(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

export function encodeHeader(header: BackupHeader): Uint8Array {
  const said = `${MAGIC} ${header.format}\n${JSON.stringify(header)}\n`;
  const bytes = Buffer.alloc(BACKUP_HEADER_BYTES, " ");
  const text = Buffer.from(`${said}${sha256Hex(said)}\n`);
  if (text.length >= BACKUP_HEADER_BYTES) throw new Error("the header of a backup fits its place");
  bytes.set(text, 0);
  bytes[BACKUP_HEADER_BYTES - 1] = 0x0a;
  return bytes;
}

function damaged(what: string): StorageError {
  return new StorageError("damaged", what);
}

/** Throws StorageError `not_a_store`, `newer_format` or `damaged`. */
export function decodeHeader(bytes: Uint8Array): BackupHeader {
  const lines = Buffer.from(bytes).toString("utf8").split("\n");
  const [first = "", json = "", hash = "", rest = ""] = lines;
  const format = /^HOLDFAST BACKUP (\d{1,9})$/.exec(first)?.[1];
  if (format === undefined) {
    const isEmpty = bytes.every((byte) => byte === 0);
    if (isEmpty && bytes.length > 0) throw damaged("it was never finished");
    throw new StorageError("not_a_store", "it is no backup of Holdfast");
  }
  if (Number(format) > BACKUP_FORMAT) {
    const what = `it has format ${format}, this release knows ${BACKUP_FORMAT}`;
    throw new StorageError("newer_format", what);
  }
  const isWhole = bytes.length === BACKUP_HEADER_BYTES && /^ *$/.test(rest) && lines.length === 5;
  if (!isWhole || hash !== sha256Hex(`${first}\n${json}\n`)) throw damaged("its header is damaged");
  const header = parsed(json);
  if (!isHeader(header)) throw damaged("its header says what no header says");
  return header;
}

/** null for what is no JSON: the hash in a header is anybody's to compute. */
function parsed(json: string): Partial<BackupHeader> | null {
  try {
    return JSON.parse(json) as Partial<BackupHeader> | null;
  } catch {
    return null;
  }
}

function isHeader(header: Partial<BackupHeader> | null): header is BackupHeader {
  if (header === null) return false;
  const { made, release, cluster, server, store, vector, bodyHash } = header;
  const counts = [header.logFormat, header.ops, header.origins, header.bodyBytes];
  const texts = [made, release, cluster, store, vector, bodyHash];
  return (
    counts.every((count) => Number.isSafeInteger(count) && (count as number) >= 0) &&
    texts.every((text) => typeof text === "string" && text.length <= 200) &&
    /^[A-Za-z0-9_-]{1,64}$/.test(cluster as string) &&
    typeof server === "string" &&
    isServerName(server)
  );
}

export type Block = { readonly kind: number; readonly content: Uint8Array };

/** Reads a file block by block. Nothing in it is believed; throws StorageError. */
export class BackupReader {
  readonly header: BackupHeader;
  private readonly fd: number;

  constructor(path: string) {
    this.fd = openSync(path, "r");
    try {
      const stat = fstatSync(this.fd);
      if (!stat.isFile()) throw new StorageError("not_a_store", "it is no file");
      this.header = decodeHeader(this.read(0, Math.min(BACKUP_HEADER_BYTES, stat.size)));
      const { bodyBytes } = this.header;
      const missing = BACKUP_HEADER_BYTES + bodyBytes - stat.size;
      if (missing > 0) throw damaged(`it was cut off: ${missing} bytes are missing at its end`);
      if (missing < 0) throw damaged(`there are ${-missing} bytes behind its end`);
    } catch (cause) {
      closeSync(this.fd);
      throw cause;
    }
  }

  private read(from: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const count = readSync(this.fd, bytes, done, length - done, from + done);
      if (count === 0) throw damaged("it ended while it was read");
      done += count;
    }
    return bytes;
  }

  /** All blocks but the end. What was yielded before it throws at the end was not worth anything. */
  *blocks(onProgress?: (doneBytes: number) => void): Iterable<Block> {
    const { bodyBytes, bodyHash } = this.header;
    const hash = new Bun.CryptoHasher("sha256");
    for (let at = 0; ; ) {
      if (bodyBytes - at < BLOCK_HEAD_BYTES) throw damaged("it has no end");
      const head = this.read(BACKUP_HEADER_BYTES + at, BLOCK_HEAD_BYTES);
      const length = new DataView(head.buffer).getUint32(0, true);
      at += BLOCK_HEAD_BYTES;
      if (length > BLOCK_BYTES_MAX || length > bodyBytes - at)
        throw damaged(`a block of ${length} bytes`);
      const content = this.read(BACKUP_HEADER_BYTES + at, length);
      at += length;
      hash.update(head).update(content);
      const kind = head[4] as number;
      if (kind !== BLOCK.end) yield { kind, content };
      else if (at === bodyBytes && hash.digest("hex") === bodyHash) return;
      else throw damaged("its content does not match the hash in its header");
      onProgress?.(at);
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}
