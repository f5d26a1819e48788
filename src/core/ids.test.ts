import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { accountId, bytes, mutatedText, requestId } from "../../test/arbitraries.ts";
import { heavy } from "../../test/heavy.ts";
import { sha256 } from "../storage/log-hash.ts";
import {
  accountIdFor,
  accountIdOf,
  channelIdFor,
  channelIdOf,
  derivedRequestId,
  directIdFor,
  effectOf,
  idBytes,
  invitationIdFor,
  isAccountId,
  isChannelId,
  isDirectId,
  isIncarnation,
  isInvitationId,
  isMessageId,
  isRequestId,
  isSessionId,
  messageIdFor,
  operatorId,
  requestIdBytes,
  requestIdFrom,
  requestIdOf,
  sessionIdFor,
} from "./ids.ts";

const runs = { numRuns: heavy(500, 50_000) };
const kinds = [
  isAccountId,
  isChannelId,
  isDirectId,
  isMessageId,
  isSessionId,
  isInvitationId,
  isRequestId,
];

describe("ids", () => {
  test("are read back to their bytes", () => {
    fc.assert(
      fc.property(bytes(16), requestId, (raw, id) => {
        expect(idBytes(accountIdOf(raw))).toEqual(raw);
        expect(idBytes(channelIdOf(raw))).toEqual(raw);
        expect(requestIdOf(requestIdBytes(id))).toBe(id);
        expect(requestIdOf(raw)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      }),
      runs,
    );
  });

  test("are of one kind each", () => {
    fc.assert(
      fc.property(accountId, accountId, requestId, (a, b, id) => {
        const made = [
          a,
          channelIdFor(sha256, a, id),
          directIdFor(sha256, a, b),
          messageIdFor(a, id),
          sessionIdFor(a, id),
          invitationIdFor(a, id),
          id,
        ];
        for (const [i, text] of made.entries()) {
          expect(kinds.map((is) => is(text))).toEqual(kinds.map((_, j) => i === j));
        }
      }),
      runs,
    );
  });

  test("of effects tell author and request, and whatever passes for one can be read", () => {
    const texts = fc.tuple(accountId, requestId).map(([author, id]) => messageIdFor(author, id));
    fc.assert(
      fc.property(accountId, requestId, mutatedText(texts), (author, id, text) => {
        expect(effectOf(messageIdFor(author, id))).toEqual({ author, id });
        expect(effectOf(sessionIdFor(author, id))).toEqual({ author, id });
        if (isMessageId(text))
          expect(messageIdFor(...(Object.values(effectOf(text)) as [never, never]))).toBe(text);
      }),
      runs,
    );
  });

  test("have one spelling: one that only looks like an id is none", () => {
    const id = messageIdFor(operatorId(sha256), requestIdFrom(1, new Uint8Array(10)));
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const spellings = (text: string) => [...alphabet].map((last) => text.slice(0, -1) + last);
    for (const text of spellings(id))
      if (isMessageId(text)) expect(() => effectOf(text)).not.toThrow();
    expect(spellings(id).filter(isMessageId)).toHaveLength(16);
    for (const text of spellings(operatorId(sha256)))
      if (isAccountId(text)) expect(() => idBytes(text)).not.toThrow();
    expect(spellings(operatorId(sha256)).filter(isAccountId)).toHaveLength(4);
    expect(isMessageId(`${id}\n`)).toBe(false);
  });

  test("of a direct conversation are the same from both sides, and others from others", () => {
    fc.assert(
      fc.property(accountId, accountId, accountId, (a, b, c) => {
        expect(directIdFor(sha256, a, b)).toBe(directIdFor(sha256, b, a));
        if (b !== c) expect(directIdFor(sha256, a, b)).not.toBe(directIdFor(sha256, a, c));
      }),
      runs,
    );
  });

  test("of requests are UUIDv7 with the time first", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 31 }), bytes(10), requestId, (ms, random, id) => {
        const made = requestIdFrom(ms, random);
        expect(isRequestId(made)).toBe(true);
        expect(Number.parseInt(made.slice(0, 13).replace("-", ""), 16)).toBe(ms);
        const derived = derivedRequestId(sha256, "session", id);
        expect(isRequestId(derived)).toBe(true);
        expect(derived).not.toBe(id);
        expect(derived).toBe(derivedRequestId(sha256, "session", id));
        expect(derived).not.toBe(derivedRequestId(sha256, "other", id));
      }),
      runs,
    );
  });

  test("are computed, and never change: they stand in logs", () => {
    const id = requestIdFrom(
      1_700_000_000_000,
      Uint8Array.from({ length: 10 }, (_, i) => i),
    );
    const author = accountIdFor(sha256, id);
    const all = [
      id,
      author,
      operatorId(sha256),
      channelIdFor(sha256, author, id),
      messageIdFor(author, id),
    ];
    const direct = directIdFor(sha256, author, operatorId(sha256));
    expect([...all, direct, derivedRequestId(sha256, "session", id)] as string[]).toEqual([
      "018bcfe5-6800-7001-8203-040506070809",
      "a_HLUfwpsOtXvIm8VLBJZbsA",
      "a_8gNQ_DudFZEguYi6gnG18Q",
      "c_eG0nZVv4Q4_qP5KtJmpBOQ",
      "m_AYvP5WgAcAGCAwQFBgcICRy1H8KbDrV7yJvFSwSWW7A",
      "d_eRdxF_e-UUMAqxkbAdEUug",
      "018bcfe5-6800-711e-9fc4-cdd67fa1a934",
    ]);
  });
});

test("incarnations are names, a dot and ten characters, and so are their branches", () => {
  for (const good of ["a.0123456789", "a-b.vvvvvvvvvv", "a.0123456789/abcdefghij"])
    expect(isIncarnation(good)).toBe(true);
  for (const bad of [
    "",
    "a",
    "a.",
    "a.012345678",
    "a.01234567890",
    "A.0123456789",
    "a.012345678w",
    "-a.0123456789",
    "a.0123456789/",
    "a_b.0123456789",
    "a.0123456789\n",
  ])
    expect(isIncarnation(bad)).toBe(false);
});
