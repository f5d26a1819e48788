/**
 * Reads the pages of a damaged log without SQLite: every table leaf there is, wherever it hangs.
 *
 * Problem: one flipped bit in a header, an interior page or a WAL frame makes SQLite lose sight of thousands
 * of rows that are intact. Approach: take every page of the database and of its WAL as a possible leaf and
 * yield the records found there; whoever asks knows by hashes which ones are real. Newest versions come
 * first. Of the WAL, only frames up to the last commit that can be recognised are used: what follows was
 * never acknowledged. Format: sqlite.org/fileformat2.html, sections 1.6, 2 and 4.1.
 * Rejected: SQLite's own recovery extension (not in the runtime, and it trusts more than our hashes do).
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { LOG_PAGE_BYTES } from "./log-file.ts";

const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const FRAME_BYTES = FRAME_HEADER_BYTES + LOG_PAGE_BYTES;
const LEAF_TABLE = 0x0d;
const PAGE_1_HEADER_BYTES = 100;
/** More than the longest op row; longer payloads are damage. */
const PAYLOAD_BYTES_MAX = 128 * 1024;

export type Value = number | string | Uint8Array | null;

/** Where a record stands, to be read again. */
export type Place = { readonly page: number; readonly cell: number };

export type Row = { readonly rowid: number; readonly values: readonly Value[] };

type Source = { readonly fd: number; readonly at: number };

export class LogPages {
  private readonly fds: number[] = [];
  /** Every version of every page, newest first. */
  private readonly sources: Source[] = [];
  /** The newest version of a page, for the rest of long records. */
  private readonly newest = new Map<number, Source>();
  private readonly dbPages: number = 0;
  private readonly dbFd: number | null = null;

  constructor(logPath: string) {
    const wal = this.open(`${logPath}-wal`);
    if (wal !== null) this.readWal(wal);
    this.dbFd = this.open(logPath);
    if (this.dbFd !== null) this.dbPages = Math.floor(fstatSync(this.dbFd).size / LOG_PAGE_BYTES);
  }

  /** How many versions of pages there are to look at. */
  get count(): number {
    return this.sources.length + this.dbPages;
  }

  private open(path: string): number | null {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return null;
    const fd = openSync(path, "r");
    this.fds.push(fd);
    return fd;
  }

  close(): void {
    for (const fd of this.fds) closeSync(fd);
  }

  private readWal(fd: number): void {
    const size = fstatSync(fd).size;
    const header = read({ fd, at: 0 }, WAL_HEADER_BYTES);
    if (header === null) return;
    const headerSalt = saltAt(header, 16);
    const salt = commonSalt(fd, size) ?? headerSalt;
    const frames: { page: number; commit: boolean; at: number }[] = [];
    for (let at = WAL_HEADER_BYTES; at + FRAME_BYTES <= size; at += FRAME_BYTES) {
      const frame = read({ fd, at }, FRAME_HEADER_BYTES);
      if (frame === null) break;
      const view = new DataView(frame.buffer, frame.byteOffset);
      const current = saltAt(frame, 8) === salt;
      frames.push({
        page: current ? view.getUint32(0) : 0,
        commit: current && view.getUint32(4) !== 0,
        at: at + FRAME_HEADER_BYTES,
      });
    }
    const last = frames.findLastIndex((frame) => frame.commit);
    for (const { page, at } of frames.slice(0, last + 1).reverse()) {
      this.sources.push({ fd, at });
      if (page > 0 && !this.newest.has(page)) this.newest.set(page, { fd, at });
    }
  }

  private source(index: number): Source | null {
    if (index < this.sources.length) return this.sources[index] as Source;
    if (this.dbFd === null) return null;
    return { fd: this.dbFd, at: (index - this.sources.length) * LOG_PAGE_BYTES };
  }

  private page(number: number): Uint8Array | null {
    if (number < 1) return null;
    const newest = this.newest.get(number);
    if (newest !== undefined) return read(newest, LOG_PAGE_BYTES);
    if (this.dbFd === null || number > this.dbPages) return null;
    return read({ fd: this.dbFd, at: (number - 1) * LOG_PAGE_BYTES }, LOG_PAGE_BYTES);
  }

  /** The records of one version of a page (0 to count - 1), if it looks like a table leaf. */
  *rows(index: number): Generator<{ place: Place; row: Row }> {
    const source = this.source(index);
    const page = source === null ? null : read(source, LOG_PAGE_BYTES);
    if (page === null) return;
    const cells = cellsOf(page, index === this.sources.length);
    for (let cell = 0; cell < cells.length; cell++) {
      const row = this.rowAt(page, cells[cell] as number);
      if (row !== null) yield { place: { page: index, cell }, row };
    }
  }

  /** A record that {@link rows} has yielded before. */
  rowOf(place: Place): Row | null {
    const source = this.source(place.page);
    const page = source === null ? null : read(source, LOG_PAGE_BYTES);
    if (page === null) return null;
    const at = cellsOf(page, place.page === this.sources.length)[place.cell];
    return at === undefined ? null : this.rowAt(page, at);
  }

  private rowAt(page: Uint8Array, at: number): Row | null {
    const length = varint(page, at);
    const rowid = length && varint(page, length.next);
    if (length === null || rowid === null || length.value > PAYLOAD_BYTES_MAX) return null;
    const payload = this.payload(page, rowid.next, length.value);
    const values = payload && recordOf(payload);
    return values === null ? null : { rowid: rowid.value, values };
  }

  private payload(page: Uint8Array, at: number, length: number): Uint8Array | null {
    const most = LOG_PAGE_BYTES - 35;
    if (length <= most) return at + length <= page.length ? page.slice(at, at + length) : null;
    const least = Math.floor(((LOG_PAGE_BYTES - 12) * 32) / 255) - 23;
    const wanted = least + ((length - least) % (LOG_PAGE_BYTES - 4));
    const local = wanted <= most ? wanted : least;
    if (at + local + 4 > page.length) return null;
    const payload = new Uint8Array(length);
    payload.set(page.subarray(at, at + local), 0);
    let filled = local;
    let next = new DataView(page.buffer, page.byteOffset).getUint32(at + local);
    while (filled < length) {
      const more = this.page(next);
      if (more === null) break; // a missing end: the body will not match its hash, the envelope may
      payload.set(more.subarray(4, 4 + Math.min(LOG_PAGE_BYTES - 4, length - filled)), filled);
      filled += Math.min(LOG_PAGE_BYTES - 4, length - filled);
      next = new DataView(more.buffer, more.byteOffset).getUint32(0);
    }
    return payload;
  }
}

function read({ fd, at }: Source, length: number): Uint8Array | null {
  const bytes = new Uint8Array(length);
  return readSync(fd, bytes, 0, length, at) === length ? bytes : null;
}

function saltAt(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.subarray(at, at + 8)).toString("hex");
}

/** The salt of the first two frames that agree: the WAL's own header may be damaged. */
function commonSalt(fd: number, size: number): string | null {
  let before: string | null = null;
  for (let at = WAL_HEADER_BYTES; at + FRAME_BYTES <= size; at += FRAME_BYTES) {
    const frame = read({ fd, at }, FRAME_HEADER_BYTES);
    if (frame === null) return null;
    const salt = saltAt(frame, 8);
    if (salt === before) return salt;
    before = salt;
  }
  return before;
}

/** Offsets of the cells; empty if the page is no table leaf. */
function cellsOf(page: Uint8Array, first: boolean): number[] {
  const at = first ? PAGE_1_HEADER_BYTES : 0;
  if (page[at] !== LEAF_TABLE) return [];
  const view = new DataView(page.buffer, page.byteOffset);
  const count = Math.min(view.getUint16(at + 3), Math.floor((page.length - at - 8) / 2));
  const cells: number[] = [];
  for (let i = 0; i < count; i++) cells.push(view.getUint16(at + 8 + 2 * i));
  return cells;
}

type Varint = { readonly value: number; readonly next: number };

/** SQLite's variable-length integer; null past the end, or past what a JS number holds. */
function varint(bytes: Uint8Array, at: number): Varint | null {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return null;
    value = value * 128 + (byte & 127);
    if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? { value, next: at + i + 1 } : null;
  }
  return null;
}

/** Null for what is no record of integers, texts, blobs and NULLs. */
function recordOf(payload: Uint8Array): Value[] | null {
  const header = varint(payload, 0);
  if (header === null || header.value > payload.length) return null;
  const values: Value[] = [];
  let at = header.value;
  let typeAt = header.next;
  while (typeAt < header.value) {
    const type = varint(payload, typeAt);
    if (type === null) return null;
    typeAt = type.next;
    const length = lengthOf(type.value);
    if (length === null || at + length > payload.length) return null;
    values.push(valueAs(type.value, payload.subarray(at, at + length)));
    at += length;
  }
  return values;
}

function lengthOf(type: number): number | null {
  if (type <= 4) return type;
  if (type === 5) return 6;
  if (type === 6) return 8;
  if (type === 8 || type === 9) return 0;
  return type >= 12 ? Math.floor((type - 12) / 2) : null;
}

function valueAs(type: number, bytes: Uint8Array): Value {
  if (type === 0) return null;
  if (type === 8 || type === 9) return type - 8;
  if (type >= 12) return type % 2 === 0 ? bytes : Buffer.from(bytes).toString("latin1");
  let value = (bytes[0] as number) & 128 ? -1 : 0;
  for (const byte of bytes) value = value * 256 + byte;
  return value;
}
