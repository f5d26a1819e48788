import { expect, test } from "bun:test";
import { PEER_VERSION, PEER_VERSION_MIN, peerMessages } from "./peer.ts";
import { handshakeMessages } from "./peer-hello.ts";
import { joinToken } from "./peer-join.ts";
import { decodeLinkMessage, encodeLinkMessage, isLinkMessage, linkMessages } from "./peer-link.ts";

/** SHA-256 over everything that servers say to each other as text, 16 characters. */
const PEER_HASH = "9280e70f72774d81";

/** The same value for any order of members; what is only for reading is left out. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value)
    .filter(([key, member]) => !(key === "description" && typeof member === "string"))
    .map(([key, member]): [string, unknown] => [key, canonical(member)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members);
}

function peerHash(): string {
  const versions = { PEER_VERSION, PEER_VERSION_MIN };
  const said = { handshakeMessages, linkMessages, peerMessages, joinToken, versions };
  const text = JSON.stringify(canonical(said));
  return new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 16);
}

test("what servers say to each other changes only on purpose", () => {
  const found = peerHash();
  expect(
    found,
    `The links between servers are not what PEER_HASH in this file says. If that was meant:
  1. Can a server of the version before not go on (a member gone or of another type, a bound narrowed, a message that
     it must understand)? Then raise PEER_VERSION in peer.ts; this release goes on speaking the versions down to
     PEER_VERSION_MIN. A hello never loses or changes a member: servers of all versions read it.
  2. Add a line to the history in peer.ts, also for an addition that older servers pass over.
  3. Put ${found} into PEER_HASH.`,
  ).toBe(PEER_HASH);
});

test("[R10] what carriers say is theirs alone; later messages are passed over, odd ones are noticed", () => {
  const refused = { type: "link.refused", code: "removed" } as const;
  const text = encodeLinkMessage(refused);
  expect(isLinkMessage(text)).toBe(true);
  expect(decodeLinkMessage(text)).toEqual(refused);
  expect(isLinkMessage('{"type":"beat"}')).toBe(false);
  expect(isLinkMessage(new TextEncoder().encode(text))).toBe(false);
  expect(decodeLinkMessage('{"type":"link.later","x":1}')).toBe("unknown");
  for (const odd of [
    '{"type":"link.refused"',
    '{"type":"link.refused"}',
    '{"type":"link.refused","code":"No Code"}',
    '{"type":"link.secret","cluster":"c","generation":-1,"secret":"x"}',
    `{"type":"link.secret","cluster":"c","generation":1e12,"secret":"${"A".repeat(43)}"}`,
    '{"type":"link.holds","secret":"z"}',
  ]) {
    expect(decodeLinkMessage(odd), odd).toBeNull();
  }
});
