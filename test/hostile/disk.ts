/** Decoders of what stands on disks: rows of the log, its head, backups, and the small files beside them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Incarnation } from "../../src/core/ids.ts";
import { CHAIN_START, encodeEnvelope, sealBody } from "../../src/core/op.ts";
import { KEY_FILE, KeyFileError, readKey } from "../../src/mesh/server-key.ts";
import { StartError } from "../../src/server/exit-codes.ts";
import { JOIN_TOKENS_FILE, JoinTokens } from "../../src/server/join-tokens.ts";
import { REMEMBERED_FILE, readServerFile } from "../../src/server/remembered.ts";
import { clusterIdOf, readSecret, secretText } from "../../src/server/secret.ts";
import {
  BACKUP_HEADER_BYTES,
  type BackupHeader,
  BLOCK,
  encodeHeader,
} from "../../src/storage/backup-file.ts";
import { Records } from "../../src/storage/backup-rows.ts";
import { StorageError } from "../../src/storage/failure.ts";
import { encodeHead, HEAD_SLOT_BYTES, newestHead } from "../../src/storage/head.ts";
import { LOG_PAGE_BYTES, readHeader } from "../../src/storage/log-file.ts";
import { rowCheck, sha256 } from "../../src/storage/log-hash.ts";
import { type OpRow, opOf } from "../../src/storage/log-rows.ts";
import { LOG_APPLICATION_ID, LOG_FORMAT } from "../../src/storage/migrations.ts";
import { checkBackup } from "../../src/storage/restore.ts";
import { HostileFolder } from "./folder.ts";
import { asBytes, asText, type Decoder } from "./fuzz.ts";
import { envelopeOf } from "./peer.ts";

const ORIGIN = "a-b.0123456789" as Incarnation;
const SALT = new Uint8Array(16).fill(4);
const folder = new HostileFolder();

/** As the file of this name. */
function filed(name: string, content: string | Uint8Array): string {
  const path = join(folder.path, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

/** `taken`, or how it was refused; a StartError says what to do, always. */
function toldBy(work: () => unknown): string {
  try {
    return work() === null ? "none" : "taken";
  } catch (error) {
    if (error instanceof StorageError) return `${error.code}: ${error.message}`;
    if (error instanceof KeyFileError) return `key: ${error.message}`;
    if (error instanceof StartError && error.remedy !== "")
      return `${error.reason}: ${error.message}`;
    throw error;
  }
}

const body = sealBody(
  Uint8Array.from({ length: 16 }, (_, i) => 0x40 + i),
  '{"text":"hello"}',
);
const plain = encodeEnvelope(envelopeOf());
const withBody = encodeEnvelope(envelopeOf({}, { text: "hello" }));

/** What is in a row, as bytes: what follows, length of the envelope, envelope, body. */
function rowBytes(follows: number, envelope: Uint8Array, rest: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([Uint8Array.of(follows, envelope.length), envelope, rest]));
}

const HAS_BODY = 1;
const IS_ERASED = 2;
const ODD_CHECK = 4;

const rows: Decoder = {
  name: "rows of the log",
  of: ["src/storage/log-rows.ts opOf", "src/storage/log-hash.ts rowCheck"],
  form: "bytes",
  good: () => [
    rowBytes(0, plain, new Uint8Array()),
    rowBytes(HAS_BODY, withBody, body),
    rowBytes(IS_ERASED, withBody, new Uint8Array()),
  ],
  outcomes: ["taken", "damaged"],
  decode(input) {
    const [follows = 0, length = 0, ...rest] = asBytes(input);
    const envelope = Uint8Array.from(rest.slice(0, length));
    const erased_by = (follows & IS_ERASED) === 0 ? null : 7;
    const row: OpRow = {
      n: 3,
      o: 1,
      seq: 1,
      crc: rowCheck(envelope, erased_by) + ((follows & ODD_CHECK) === 0 ? 0 : 1),
      envelope,
      body: (follows & HAS_BODY) === 0 ? null : Uint8Array.from(rest.slice(length)),
      chain: null,
      erased_by,
    };
    return toldBy(() => opOf(row, ORIGIN));
  },
};

/** A file that begins so, with two slots: what is behind a head in its slot is nothing. */
function headFile(input: string | Uint8Array): Uint8Array {
  const file = new Uint8Array(2 * HEAD_SLOT_BYTES);
  file.set(asBytes(input).subarray(0, file.length));
  return file;
}

/** The checksum is anybody's to compute. */
function checkedHead(input: string | Uint8Array): Uint8Array {
  const slot = headFile(input).subarray(0, HEAD_SLOT_BYTES);
  slot.set(sha256.sha256(slot.subarray(24)).subarray(0, 16), 8);
  return slot.slice(0, Math.max(asBytes(input).length, 24));
}

const head = {
  format: LOG_FORMAT,
  storeId: "store-of-a",
  clusterId: "k_1",
  server: "a",
  n: 12,
  origins: [{ origin: ORIGIN, seq: 7, chain: CHAIN_START }],
};

const heads: Decoder = {
  name: "heads of logs",
  of: ["src/storage/head.ts decodeHead"],
  form: "bytes",
  good: () => [
    encodeHead(head, 4).slice(0, 150),
    encodeHead({ ...head, origins: [] }, 5).slice(0, 90),
  ],
  outcomes: ["taken", "damaged"],
  dress: checkedHead,
  decode: (input) => (newestHead(headFile(input)).state === "valid" ? "taken" : "damaged"),
};

const sqlite = new Uint8Array(LOG_PAGE_BYTES);
sqlite.set(Buffer.from("SQLite format 3\0"));
new DataView(sqlite.buffer).setUint16(16, LOG_PAGE_BYTES);
new DataView(sqlite.buffer).setUint32(60, LOG_FORMAT);
new DataView(sqlite.buffer).setUint32(68, LOG_APPLICATION_ID);

const logHeaders: Decoder = {
  name: "first bytes of logs",
  of: ["src/storage/log-file.ts readHeader"],
  form: "bytes",
  cost: 4,
  good: () => [sqlite],
  outcomes: ["taken", "none"],
  decode: (input) => toldBy(() => readHeader(filed("log.db", input))),
};

const ABOUT: Omit<BackupHeader, "bodyBytes" | "bodyHash"> = {
  format: 1,
  made: "2026-11-22T00:00:00.000Z",
  release: "0.1.0",
  cluster: "k_1",
  server: "a",
  store: "store-of-a",
  logFormat: LOG_FORMAT,
  ops: 2,
  origins: 1,
  vector: "0".repeat(16),
};

function block(kind: number, content: Uint8Array): Uint8Array {
  const start = new Uint8Array(5);
  new DataView(start.buffer).setUint32(0, content.length, true);
  start[4] = kind;
  return new Uint8Array(Buffer.concat([start, content]));
}

/** A file whose header is right about its body, as whoever makes one up would see to. */
function backupOf(content: Uint8Array, about: object = ABOUT): Uint8Array {
  const bodyHash = new Bun.CryptoHasher("sha256").update(content).digest("hex");
  const header = { ...about, bodyBytes: content.length, bodyHash } as BackupHeader;
  return new Uint8Array(Buffer.concat([encodeHeader(header), content]));
}

/** A block of each kind. */
function wholeBody(): Uint8Array {
  const records = new Records();
  const one = { o: 1, seq: 1, envelope: plain, body: null, chain: null, erased_by: null };
  records.op(one);
  records.op({ ...one, envelope: withBody, body });
  const ops = records.take().slice();
  records.origin({ o: 1, origin: ORIGIN, seq: 1, chain: CHAIN_START });
  const origins = records.take().slice();
  records.branch({ o: 1, seq: 1, chain: CHAIN_START });
  const branches = records.take().slice();
  records.hole({ o: 1, seq: 1 });
  const parts = [
    block(BLOCK.ops, ops),
    block(BLOCK.origins, origins),
    block(BLOCK.branches, branches),
    block(BLOCK.holes, records.take().slice()),
    block(BLOCK.key, SALT),
    block(BLOCK.end, new Uint8Array()),
  ];
  return new Uint8Array(Buffer.concat(parts));
}

const backups: Decoder = {
  name: "bodies of backups",
  of: ["src/storage/backup-file.ts BackupReader", "src/storage/backup-rows.ts RecordReader"],
  form: "bytes",
  cost: 8,
  good: () => [wholeBody()],
  outcomes: ["taken", "damaged"],
  decode: (input) => toldBy(() => checkBackup(filed("backup", backupOf(asBytes(input))))),
};

const backupHeaders: Decoder = {
  name: "headers of backups",
  of: ["src/storage/backup-file.ts decodeHeader"],
  form: "json",
  cost: 8,
  good: () => {
    const file = backupOf(wholeBody());
    return [Buffer.from(file).toString("utf8").split("\n")[1] as string];
  },
  outcomes: ["taken", "damaged", "newer_format", "not_a_store"],
  decode(input) {
    const text = asText(input).replaceAll("\n", " ").slice(0, 3_900);
    // Every few are of another format, or no backups at all.
    const first = text.length % 16 === 3 ? "HOLDFAST BACKUP 2" : "HOLDFAST BACKUP 1";
    const said = `${text.length % 32 === 5 ? "SOMETHING" : first}\n${text}\n`;
    const hash = new Bun.CryptoHasher("sha256").update(said).digest("hex");
    const header = Buffer.alloc(BACKUP_HEADER_BYTES, " ");
    Buffer.from(`${said}${hash}\n`).copy(header);
    header[BACKUP_HEADER_BYTES - 1] = 0x0a;
    return toldBy(() => checkBackup(filed("backup", Buffer.concat([header, wholeBody()]))));
  },
};

const SECRET = new Uint8Array(32).fill(9);
const secrets: Decoder = {
  name: "secrets",
  of: ["src/server/secret.ts readSecret"],
  form: "text",
  cost: 4,
  good: () => {
    const base64 = Buffer.from(SECRET).toString("base64");
    const secret = {
      secret: SECRET,
      cluster: clusterIdOf(SECRET),
      generation: 3,
      former: [SECRET],
    };
    return [base64, `${base64}\n`, base64.slice(0, -1), secretText(secret)];
  },
  outcomes: ["taken", "foreign_cluster"],
  decode: (input) => toldBy(() => readSecret(filed("secret", input))),
};

const PEM =
  "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIBz5Zr5b1pcHkz2Vr9h0n8gN3sLwT1f0m4bqk1V8yZ3O\n-----END PRIVATE KEY-----\n";

const keys: Decoder = {
  name: "keys of servers",
  of: ["src/mesh/server-key.ts readKey"],
  form: "text",
  cost: 8,
  good: () => [PEM],
  outcomes: ["taken", "key"],
  decode: (input) =>
    toldBy(() => {
      filed(KEY_FILE, input);
      return readKey(folder.path);
    }),
};

const remembered: Decoder = {
  name: "answers of the last start",
  of: ["src/server/remembered.ts readServerFile"],
  form: "json",
  cost: 4,
  good: () => {
    const answers = {
      format: 1,
      name: "a",
      listen: "127.0.0.1:7300",
      peers: ["10.0.0.2:7300", "https://b.example"],
      signUp: "open",
      secretFile: null,
      running: { pid: 1, localUrl: "http://127.0.0.1:7300", url: "http://127.0.0.1:7300" },
    };
    return [answers, { ...answers, joined: "x", secretFile: "/tmp/s" }].map((all) =>
      JSON.stringify(all),
    );
  },
  outcomes: ["taken", "usage"],
  decode: (input) =>
    toldBy(() => {
      filed(REMEMBERED_FILE, input);
      return readServerFile(folder.path);
    }),
};

const JOIN_KEY = Buffer.from(SECRET).toString("base64url");
const joinTokenFiles: Decoder = {
  name: "files of join tokens",
  of: ["src/server/join-tokens.ts JoinTokens"],
  form: "json",
  cost: 4,
  good: () => [JSON.stringify({ tokens: [{ join: JOIN_KEY, expiresMs: 2 ** 41, spentFor: "" }] })],
  outcomes: ["taken", "none"],
  decode(input) {
    filed(JOIN_TOKENS_FILE, input);
    const tokens = new JoinTokens(folder.path, () => 1);
    const [known] = (tokens as unknown as { tokens: { secret: { id: string } }[] }).tokens;
    if (known === undefined) return "none";
    tokens.judge(known.secret.id, JOIN_KEY);
    return "taken";
  },
};

export const diskDecoders: readonly Decoder[] = [
  rows,
  heads,
  logHeaders,
  backups,
  backupHeaders,
  secrets,
  keys,
  remembered,
  joinTokenFiles,
];
