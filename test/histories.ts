/**
 * Random but plausible histories: few accounts, channels and messages, so that everything meets everything:
 * concurrent versions, one key several times, amendments before what they amend, bans, clashes of names,
 * deletions, and ops that mean nothing.
 */
import fc from "fast-check";
import {
  type AccountId,
  accountIdFor,
  channelIdFor,
  type Incarnation,
  invitationIdFor,
  messageIdFor,
  operatorId,
  type RequestId,
  requestIdFrom,
  sessionIdFor,
} from "../src/core/ids.ts";
import { encodeEnvelope, hashBody, type Op, type Scope, sealBody } from "../src/core/op.ts";
import { positionOf } from "../src/core/position.ts";
import { sha256 } from "../src/storage/log-hash.ts";

export const REQUESTS = Array.from({ length: 6 }, (_, i) =>
  requestIdFrom(
    1_700_000_000_000 + i,
    Uint8Array.from({ length: 10 }, (_, j) => i * 16 + j),
  ),
);
export const ACCOUNTS: readonly AccountId[] = REQUESTS.slice(0, 3).map((id) =>
  accountIdFor(sha256, id),
);
const CREATOR = ACCOUNTS[0] as AccountId;
export const CHANNELS = REQUESTS.slice(0, 2).map((id) => channelIdFor(sha256, CREATOR, id));
export const ORIGINS = [
  "a.0000000000",
  "a-b.0000000000",
  "b.0000000000",
  "a.0000000000/0000000001",
];

export type Content = {
  author: AccountId;
  id: RequestId;
  kind: number;
  scope: Scope;
  data: string;
  body: string | null;
};
/** What an op says, and where it stands in the total order. */
export type Draft = {
  content: Content;
  ms: number;
  counter: number;
  origin: number;
  /** When it arrives, in the order of these numbers; once for each. */
  turns: number[];
};

const account = fc.constantFrom(...ACCOUNTS);
const channel = fc.constantFrom(...CHANNELS);
const request = fc.constantFrom(...REQUESTS);
const version = fc.integer({ min: 1, max: 3 });
const name = fc.constantFrom("bob", "eve", "ops", "x-1");
const word = fc.constantFrom(
  "alpha",
  "Beta",
  "gamma",
  "Ünïcode",
  "日本語",
  "emo😀ji",
  "x\u0000y",
  "",
);
const text = fc.array(word, { maxLength: 4 }).map((words) => words.join(" "));
const conversation: fc.Arbitrary<Scope> = fc.oneof(channel, account);
const message = fc.tuple(account, request).map(([author, id]) => messageIdFor(author, id));
const session = fc.tuple(account, request).map(([author, id]) => sessionIdFor(author, id));
const invitation = fc.tuple(account, request).map(([a, id]) => invitationIdFor(a, id));
const tokenHash = fc.constantFrom("A", "B", "C").map((letter) => letter.repeat(43));
const standing = fc.constantFrom("invited", "joined", "left", "removed", "banned", "banned");
const place = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom(...ORIGINS))
  .map(([ms, origin]) =>
    positionOf({ stamp: { ms, counter: 0 }, origin: origin as Incarnation, seq: 1 }),
  );

type Parts = { scope?: fc.Arbitrary<Scope>; data?: object; body?: object };

/** An op of a kind whose members are arbitraries. */
function kind(number: number, parts: Parts, who: fc.Arbitrary<AccountId> = account) {
  const none: fc.Arbitrary<Scope> = fc.constant(null);
  const members = (record: object | undefined) =>
    record === undefined
      ? fc.constant(null)
      : fc.record(record as Record<string, fc.Arbitrary<unknown>>);
  return fc.tuple(who, request, parts.scope ?? none, members(parts.data), members(parts.body)).map(
    ([author, id, scope, data, body]): Content => ({
      author,
      id,
      kind: number,
      scope,
      data: data === null ? "" : JSON.stringify(data),
      body: body === null ? null : JSON.stringify(body),
    }),
  );
}

const admins = fc.constantFrom(...ACCOUNTS, operatorId(sha256));
const created = fc.nat({ max: 2 }).chain((i) =>
  kind(1, { body: { name, displayName: fc.constantFrom("", "Bob B."), password: word } }).map(
    (content): Content => ({
      ...content,
      author: ACCOUNTS[i] as AccountId,
      id: REQUESTS[i] as RequestId,
    }),
  ),
);
const channelMade = fc
  .nat({ max: 1 })
  .chain((i) =>
    kind(20, { data: { private: fc.boolean() }, body: { name, topic: word } }).map(
      (content): Content => ({ ...content, author: CREATOR, id: REQUESTS[i] as RequestId }),
    ),
  );
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const KIND_CONTENTS: Record<string, fc.Arbitrary<Content>> = {
  created,
  createdOddly: kind(1, {
    data: { invitation },
    body: { name, displayName: word, password: word },
  }),
  update: kind(2, { data: { version }, body: { displayName: word } }),
  rename: kind(3, { data: { version }, body: { name } }),
  password: kind(
    4,
    { scope: account, data: { version, keep: optional(session) }, body: { password: word } },
    admins,
  ),
  deleted: kind(5, { data: { erase: fc.boolean() } }),
  admin: kind(6, { scope: account, data: { admin: fc.boolean(), version } }, admins),
  disable: kind(7, { scope: account, data: { disabled: fc.boolean(), version } }, admins),
  opened: kind(10, { body: { label: word } }),
  token: kind(11, { data: { session }, body: { hash: tokenHash } }),
  ended: kind(12, { data: { session } }),
  channelMade,
  channelMadeOddly: kind(20, { data: { private: fc.boolean() }, body: { name, topic: word } }),
  channelUpdate: kind(21, {
    scope: channel,
    data: {
      private: optional(fc.boolean()),
      versions: fc.record({ name: version, topic: version, private: version }),
    },
    body: { name: optional(name), topic: optional(word) },
  }),
  member: kind(30, { scope: channel, data: { account, standing, version } }),
  handOver: kind(31, {
    scope: channel,
    data: { to: account, versions: fc.record({ from: version, to: version }) },
  }),
  post: kind(40, { scope: conversation, data: {}, body: { text } }),
  edit: kind(41, { scope: conversation, data: { message, version }, body: { text } }),
  remove: kind(42, { scope: conversation, data: { message } }),
  marker: kind(50, { scope: conversation, data: { upTo: place } }),
  invitation: kind(60, {
    data: { uses: version, expiresMs: fc.nat() },
    body: { code: tokenHash },
  }),
  revoked: kind(61, { data: { invitation } }),
  setting: kind(70, { data: { key: name, value: word, version } }),
  unknown: kind(9_999, { data: { anything: word }, body: { text } }),
  invalid: fc
    .tuple(
      fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 20, 21, 30, 31, 40, 41, 42, 50, 60, 61, 70),
      account,
      request,
      fc.constantFrom<Scope[]>(null, ...ACCOUNTS, ...CHANNELS),
      fc.oneof(
        fc.constantFrom("", "{", "[]", "null", '{"version":0}', '{"message":"m_x"}'),
        fc.constantFrom("m_", "s_").map((mark) => `{"message":"${mark}${"B".repeat(43)}"}`),
        fc.string({ maxLength: 40 }),
      ),
      fc.option(fc.oneof(fc.constantFrom("{}", "null", '{"text":7}'), fc.string()), { nil: null }),
    )
    .map(([number, author, id, scope, data, body]) => ({
      kind: number,
      author,
      id,
      scope,
      data,
      body,
    })),
};

const weights: Record<string, number> = { post: 8, edit: 5, remove: 2, member: 5, created: 3 };

export const content: fc.Arbitrary<Content> = fc.oneof(
  ...Object.entries(KIND_CONTENTS).map(([key, arbitrary]) => ({
    arbitrary,
    weight: weights[key] ?? 1,
  })),
);

const where = fc.record({
  ms: fc.integer({ min: 1, max: 12 }),
  counter: fc.nat({ max: 1 }),
  origin: fc.nat({ max: ORIGINS.length - 1 }),
});

/** Some ops come again with the same content: hedges of a client through several servers. */
export function drafts(maxLength: number, contents = content): fc.Arbitrary<Draft[]> {
  const one = fc.record({
    content: contents,
    at: where,
    again: fc.option(where, { nil: null, freq: 3 }),
    turns: fc.array(fc.nat({ max: 99 }), { minLength: 1, maxLength: 3 }),
  });
  return fc
    .array(one, { minLength: 1, maxLength, size: "max" })
    .map((all) =>
      all.flatMap(({ content: said, at, again, turns }) => [
        { content: said, ...at, turns: again === null ? turns : turns.slice(0, 1) },
        ...(again === null ? [] : [{ content: said, ...again, turns }]),
      ]),
    );
}

/** Ops, and an order in which they arrive, some several times. */
export class History {
  readonly ops: readonly Op[];
  readonly order: readonly Op[];
  private readonly drafts: readonly Draft[];

  constructor(all: readonly Draft[]) {
    this.drafts = all;
    this.ops = opsOf(all);
    this.order = all
      .flatMap(({ turns }, i) => turns.map((turn) => ({ turn, op: this.ops[i] as Op })))
      .sort((a, b) => a.turn - b.turn)
      .map(({ op }) => op);
  }

  /** What a failing property prints. */
  toString(): string {
    const lines = this.drafts.map(({ content: said, ms, counter, origin, turns }) =>
      JSON.stringify({ ...said, ms, counter, origin, turns }),
    );
    return `\n${lines.join("\n")}\n`;
  }
}

/** Ops of drafts: seqs count by origin, salts are made from the place. */
export function opsOf(all: readonly Draft[]): Op[] {
  const seqs = new Map<number, number>();
  return all.map(({ content: said, ms, counter, origin }) => {
    const seq = (seqs.get(origin) ?? 0) + 1;
    seqs.set(origin, seq);
    const salt = Uint8Array.from({ length: 16 }, (_, i) => (origin * 31 + seq * 7 + i) & 255);
    const body = said.body === null ? null : sealBody(salt, said.body);
    const envelope = {
      origin: ORIGINS[origin] as Incarnation,
      seq,
      stamp: { ms, counter },
      author: said.author,
      id: said.id,
      kind: said.kind,
      scope: said.scope,
      data: said.data,
      bodyHash: body === null ? null : hashBody(sha256, body),
    };
    return { ...envelope, bytes: encodeEnvelope(envelope), body };
  });
}
