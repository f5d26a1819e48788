import { describe, expect, test } from "bun:test";
import { ScriptedLog } from "../../test/memory-log.ts";
import {
  type AccountId,
  accountIdOf,
  channelIdOf,
  type Incarnation,
  invitationIdFor,
  messageIdFor,
  requestIdFrom,
  sessionIdFor,
} from "../core/ids.ts";
import { PROOF_LOST_AFTER_MS, PROOF_LOST_LATEST_MS, UNPROVEN_LOOK_MS } from "../core/limits.ts";
import {
  type Envelope,
  encodeEnvelope,
  hashBody,
  type Op,
  type Scope,
  sealBody,
} from "../core/op.ts";
import { accountCreate, accountDelete, accountPassword, accountRename } from "../ops/account.ts";
import { channelCreate } from "../ops/channel.ts";
import { messageDelete, messageEdit, messagePost } from "../ops/message.ts";
import { sessionEnd, sessionOpen, sessionToken } from "../ops/session.ts";
import { sha256 } from "../storage/log-hash.ts";
import { LostProofs } from "./lost-proofs.ts";
import type { Proposal } from "./minter.ts";
import { endingOf, erases } from "./proof.ts";

const ADA = accountIdOf(new Uint8Array(16).fill(1));
const BOB = accountIdOf(new Uint8Array(16).fill(2));
const TEAM = channelIdOf(new Uint8Array(16).fill(3));
const ID = requestIdFrom(1, new Uint8Array(10));

type Made = { kind: { number: number }; author?: AccountId; scope?: Scope; data?: object };

function envelopeOf({ kind, author = ADA, scope = null, data = {} }: Made, seq = 1): Envelope {
  const text = JSON.stringify(data);
  return {
    origin: "a.0000000001" as Incarnation,
    seq,
    stamp: { ms: 1_700_000_000_000, counter: seq },
    author,
    id: ID,
    kind: kind.number,
    scope,
    data: text === "{}" ? "" : text,
    bodyHash: null,
  };
}

/** An op whose body was erased. */
function erased(made: Made, seq = 1): Op {
  const bodyHash = hashBody(sha256, sealBody(new Uint8Array(16), `{"gone":${seq}}`));
  const envelope = { ...envelopeOf(made, seq), bodyHash };
  return { ...envelope, bytes: encodeEnvelope(envelope), body: null };
}

const MESSAGE = messageIdFor(ADA, ID);
const SESSION = sessionIdFor(ADA, ID);

describe("[R9] what ends once more what was erased", () => {
  const cases: [string, Made, { kind: object; author: AccountId }][] = [
    ["a post", { kind: messagePost, scope: TEAM }, { kind: messageDelete, author: ADA }],
    ["a direct post", { kind: messagePost, scope: BOB }, { kind: messageDelete, author: ADA }],
    [
      "an edit",
      { kind: messageEdit, scope: TEAM, data: { message: MESSAGE, version: 2 } },
      { kind: messageDelete, author: ADA },
    ],
    ["a session", { kind: sessionOpen }, { kind: sessionEnd, author: ADA }],
    [
      "a token",
      { kind: sessionToken, data: { session: SESSION } },
      { kind: sessionEnd, author: ADA },
    ],
    [
      "an invited account",
      { kind: accountCreate, data: { invitation: invitationIdFor(BOB, ID) } },
      { kind: accountDelete, author: ADA },
    ],
    ["a name", { kind: accountRename, data: { version: 2 } }, { kind: accountDelete, author: ADA }],
    [
      "a password set by another",
      { kind: accountPassword, author: BOB, scope: ADA, data: { version: 2 } },
      { kind: accountDelete, author: ADA },
    ],
  ];
  test.each(cases)("%s", (_what, made, { kind, author }) => {
    const op = erased(made);
    const ending = endingOf(sha256, op) as Proposal;
    expect(ending.kind as object).toBe(kind);
    expect(ending.author).toBe(author);
    const { scope, data } = ending.content as { scope: Scope; data: object };
    const proof = envelopeOf({ kind: ending.kind, author, scope, data }, 2);
    expect(erases(sha256, proof, op)).toBe(true);
    expect(
      ending.kind.parse(1, { ...proof, bytes: encodeEnvelope(proof), body: null }),
    ).not.toBeNull();
    expect(endingOf(sha256, op)?.id).toBe(ending.id); // the same on every server
  });

  test("nothing ends the name of a channel, or what this release does not know", () => {
    const data = { private: false };
    expect(endingOf(sha256, erased({ kind: channelCreate, data }))).toBeNull();
    expect(endingOf(sha256, erased({ kind: { number: 60_000 } }))).toBeNull();
  });

  test("two ops are ended under two ids", () => {
    const ids = [1, 2].map((seq) => endingOf(sha256, erased({ kind: sessionOpen }, seq))?.id);
    expect(ids[0]).not.toBe(ids[1] as NonNullable<(typeof ids)[1]>);
  });
});

describe("[R9] when the op that erased another is taken for lost", () => {
  function watched() {
    const log = new ScriptedLog([erased({ kind: messagePost, scope: TEAM })]);
    const minted: Proposal[] = [];
    const state = { hearsAll: true, nowMs: 1_000_000, minted };
    const lost = new LostProofs({
      hash: sha256,
      log,
      hearsAll: () => state.hearsAll,
      mintOnce: (proposals) => minted.push(...proposals),
    });
    const pass = (ms: number) => {
      for (let at = 0; at < ms; at += 100) {
        state.nowMs += 100;
        lost.tick(state.nowMs);
      }
    };
    return { log, lost, state, pass };
  }

  test("when it has not come although all are there, whatever is new", () => {
    const { lost, state, pass } = watched();
    for (let ms = 0; ms < PROOF_LOST_AFTER_MS; ms += 1_000) {
      pass(1_000);
      lost.took(500);
    }
    expect(state.minted).toEqual([]);
    pass(2 * UNPROVEN_LOOK_MS);
    expect(state.minted[0]?.kind as object).toBe(messageDelete);
  });

  test("not while somebody is away, or old ops come; but not for ever", () => {
    const { lost, state, pass } = watched();
    for (let i = 0; i < 2; i++) {
      state.hearsAll = true;
      pass(PROOF_LOST_AFTER_MS - 100);
      state.hearsAll = false;
      pass(100);
    }
    state.hearsAll = true;
    for (let i = 0; i < 2; i++) {
      pass(PROOF_LOST_AFTER_MS - 100);
      lost.took(PROOF_LOST_AFTER_MS);
    }
    state.hearsAll = false;
    expect(state.minted).toEqual([]);
    pass(PROOF_LOST_LATEST_MS);
    expect(state.minted.length).toBeGreaterThan(0);
  });

  test("not when it comes", () => {
    const { log, state, pass } = watched();
    pass(PROOF_LOST_AFTER_MS - 1_000);
    log.erase([{ n: 1, by: 1 }]);
    log.finishErasures();
    pass(PROOF_LOST_AFTER_MS);
    expect(state.minted).toEqual([]);
  });
});
