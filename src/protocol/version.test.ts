import { expect, test } from "bun:test";
import { REFUSAL_CODES, RETRYABLE } from "../core/errors.ts";
import { events } from "./events.ts";
import { methods } from "./methods.ts";
import { CLOSE_CODES, HTTP_STATUS, RPC_CODES } from "./rpc.ts";
import { PROTOCOL_VERSION, PROTOCOL_VERSION_MIN } from "./version.ts";

/** SHA-256 over everything of the protocol that a client can notice, 16 characters. */
const PROTOCOL_HASH = "667d0d0f1df431b5";

/** The same value for any order of members; what is only for reading is left out. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value)
    .filter(([key, member]) => !(isNote(key) && typeof member === "string"))
    .map(([key, member]): [string, unknown] => [key, canonical(member)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members);
}

const isNote = (key: string) => key === "description" || key === "summary";

function protocolHash(): string {
  const codes = { REFUSAL_CODES, RETRYABLE, RPC_CODES, HTTP_STATUS, CLOSE_CODES };
  const versions = { PROTOCOL_VERSION, PROTOCOL_VERSION_MIN };
  const text = JSON.stringify(canonical({ methods, events, codes, versions }));
  return new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 16);
}

test("the protocol changes only on purpose", () => {
  const found = protocolHash();
  expect(
    found,
    `The protocol is not what PROTOCOL_HASH in this file says. If that was meant:
  1. Could a client of the version before notice (a member gone or of another type, a code changed, a
     bound narrowed, a new required member)? Then raise PROTOCOL_VERSION in version.ts; servers go on
     speaking the versions down to PROTOCOL_VERSION_MIN.
  2. Add a line to the history in version.ts, also for an addition that old clients ignore.
  3. Put ${found} into PROTOCOL_HASH.
  4. Run \`node scripts/run.mjs bun scripts/protocol-docs.ts\`: it writes the reference in docs/PROTOCOL.md anew.`,
  ).toBe(PROTOCOL_HASH);
});

test("what is only for reading does not count as a change", () => {
  expect(canonical({ b: 1, a: { description: "x", c: [2] } })).toEqual({ a: { c: [2] }, b: 1 });
  expect(canonical({ properties: { description: { type: "string" } } })).toEqual({
    properties: { description: { type: "string" } },
  });
});
