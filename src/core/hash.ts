/** SHA-256 (FIPS 180-4) as a port: pure code has no platform to take it from. */
export interface Hash {
  sha256(bytes: Uint8Array): Uint8Array;
}
