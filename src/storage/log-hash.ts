/** The runtime's hashes: SHA-256 as core's port, and CRC-32 for the rows of the log. */
import type { Hash } from "../core/hash.ts";

/** SHA-256 by the runtime (hardware where there is). */
export const sha256: Hash = {
  sha256(bytes: Uint8Array): Uint8Array {
    return Bun.SHA256.hash(bytes, new Uint8Array(32)) as Uint8Array;
  },
};

const erasure = new Uint8Array(8);
const erasureView = new DataView(erasure.buffer);

/**
 * The check over what a row says besides its body, which the envelope's own hash covers: CRC-32 over the
 * envelope and, once the body is gone, over who erased it. Signed, because SQLite keeps a signed number of
 * 32 bits in 4 bytes and an unsigned one in 6.
 */
export function rowCheck(envelope: Uint8Array, erasedBy: number | null): number {
  const crc = Bun.hash.crc32(envelope);
  if (erasedBy === null) return crc | 0;
  erasureView.setFloat64(0, erasedBy, true);
  return Bun.hash.crc32(erasure, crc) | 0;
}
