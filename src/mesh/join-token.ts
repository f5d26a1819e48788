/**
 * A join token as text: where the server that made it is, by which key one knows it, and a key for one
 * handshake. It holds no secret of the cluster; whoever has it may join in somebody's place, once.
 */
import { createHash } from "node:crypto";
import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from "../core/bytes.ts";
import { isJoinToken, type JoinToken } from "../protocol/peer-join.ts";

const PREFIX = "hfj_";
const SUM_BYTES = 6;
const TOKEN_CHARACTERS_MAX = 2_400;

function sumOf(bytes: Uint8Array): Buffer {
  return createHash("sha256")
    .update("holdfast/join\0")
    .update(bytes)
    .digest()
    .subarray(0, SUM_BYTES);
}

export function encodeJoinToken({ cluster, server, key, join, urls }: JoinToken): string {
  const bytes = utf8(JSON.stringify({ cluster, server, key, join, urls }));
  return PREFIX + toBase64Url(new Uint8Array(Buffer.concat([sumOf(bytes), bytes])));
}

/** null for text that is none, or not a whole one. */
export function decodeJoinToken(text: string): JoinToken | null {
  if (!text.startsWith(PREFIX) || text.length > TOKEN_CHARACTERS_MAX) return null;
  const whole = fromBase64Url(text.slice(PREFIX.length));
  if (whole === null || whole.length <= SUM_BYTES) return null;
  const bytes = whole.subarray(SUM_BYTES);
  if (Buffer.compare(sumOf(bytes), whole.subarray(0, SUM_BYTES)) !== 0) return null;
  try {
    const token: unknown = JSON.parse(fromUtf8(bytes));
    return isJoinToken(token) ? token : null;
  } catch {
    return null;
  }
}
