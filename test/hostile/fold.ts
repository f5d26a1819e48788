/**
 * What ops say, as a fold gets it: their envelopes are whole, for nothing else is stored, and data and body are
 * anything. Every one is folded into a real view, among others that are good.
 */
import fc from "fast-check";
import { isAccountId, isChannelId, isRequestId } from "../../src/core/ids.ts";
import { KIND_MAX } from "../../src/core/limits.ts";
import { encodeEnvelope, hashBody, type Op, type Scope } from "../../src/core/op.ts";
import { KINDS } from "../../src/ops/kinds.ts";
import { sha256 } from "../../src/storage/log-hash.ts";
import type { SqliteView } from "../../src/storage/view.ts";
import { ACCOUNTS, CHANNELS, content, REQUESTS } from "../histories.ts";
import { ArrayLog } from "../memory-log.ts";
import { openView } from "../view-probe.ts";
import { asText, type Decoder } from "./fuzz.ts";

/** A view of so many ops is a new one: it is the variety that counts. */
const VIEW_OPS = 500;
const BODY_CHARACTERS = 20_000;
const SALT = new Uint8Array(16).fill(3);

/** What an op says, in the order of its parts; data and body as values. */
type Said = [
  author: unknown,
  id: unknown,
  kind: unknown,
  scope: unknown,
  data: unknown,
  body: unknown,
];

const fields = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const SAID = fc
  .sample(content, { numRuns: 400, seed: 7 })
  .map(
    ({ author, id, kind, scope, data, body }): Said => [
      author,
      id,
      kind,
      scope,
      data === "" ? {} : fields(data),
      body === null ? null : fields(body),
    ],
  );

let log = new ArrayLog([]);
let view: SqliteView | null = null;

function opOf([author, id, kind, scope, data, body]: Said, seq: number): Op {
  const text = (value: unknown) =>
    (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).slice(0, BODY_CHARACTERS);
  const sealed =
    body === null || body === undefined
      ? null
      : new Uint8Array(Buffer.concat([SALT, Buffer.from(text(body))]));
  const known = [...KINDS.keys()];
  const number = typeof kind === "number" && Number.isInteger(kind) ? Math.abs(kind) : seq;
  const isScope =
    scope === null || (typeof scope === "string" && (isAccountId(scope) || isChannelId(scope)));
  const any: readonly Scope[] = [null, ...ACCOUNTS, ...CHANNELS];
  const envelope = {
    origin: "a.0000000000" as Op["origin"],
    seq,
    stamp: { ms: 1_000 + ((seq * 7_919) % 500), counter: 0 },
    author: (typeof author === "string" && isAccountId(author)
      ? author
      : ACCOUNTS[seq % ACCOUNTS.length]) as Op["author"],
    id: (typeof id === "string" && isRequestId(id) ? id : REQUESTS[seq % 6]) as Op["id"],
    kind: number >= 1 && number <= KIND_MAX ? number : (known[number % known.length] as number),
    scope: isScope ? (scope as Scope) : (any[seq % any.length] as Scope),
    data: Buffer.from(text(data)).subarray(0, 1_000).toString().slice(0, 300),
    bodyHash: sealed === null ? null : hashBody(sha256, sealed),
  };
  return { ...envelope, bytes: encodeEnvelope(envelope), body: sealed };
}

function fold(said: Said): string {
  if (view === null || log.held.length >= VIEW_OPS) {
    view?.close();
    log = new ArrayLog([]);
    view = openView(log);
  }
  const n = log.held.length + 1;
  const op = opOf(said, n);
  log.held.push(op);
  view.fold([{ n, op }]);
  if (n % 50 === 0) view.tidy();
  const kind = KINDS.get(op.kind);
  if (kind === undefined) return "unknown";
  const parsed = kind.parse(n, op);
  if (parsed === null) return `odd: ${kind.name}`;
  if (!kind.same(parsed as never, parsed as never)) throw new Error("it is not what it is");
  return `taken: ${kind.name}`;
}

const contents: Decoder = {
  name: "contents of ops",
  of: ["src/ops/kind.ts declareKind", "src/core/op.ts openBody", "src/ops/fold.ts foldOp"],
  form: "json",
  cost: 4,
  good: () =>
    SAID.filter((said) => fold(said).startsWith("taken")).map((said) => JSON.stringify(said)),
  outcomes: ["taken", "odd", "unknown"],
  decode(input) {
    const said = fields(asText(input));
    return fold((Array.isArray(said) ? said : [said]) as Said);
  },
};

export const foldDecoders: readonly Decoder[] = [contents];
