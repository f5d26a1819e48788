/** The real world behind the ports: the only clocks, chance and hashes that are not simulated. */
import type { Hash } from "../core/hash.ts";
import type { PasswordHasher } from "../gateway/ports.ts";
import type { Clock, Random } from "../replica/ports.ts";

export const realClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  schedule(delayMs, act) {
    if (delayMs <= 0) {
      const immediate = setImmediate(act);
      return { cancel: () => clearImmediate(immediate) };
    }
    const timer = setTimeout(act, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

export const realRandom: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

export const realHash: Hash = {
  sha256: (bytes) => Bun.SHA256.hash(bytes, new Uint8Array(32)) as Uint8Array,
};

/** The least that OWASP's Password Storage Cheat Sheet recommends for argon2id: 19 MiB, two passes. */
const ARGON2ID = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;

/** Bun hashes in its own threads. */
export const realPasswords: PasswordHasher = {
  hash: (password) => Bun.password.hash(password, ARGON2ID),
  async verify(password, hash) {
    try {
      return await Bun.password.verify(password, hash, "argon2id");
    } catch {
      return false;
    }
  },
};
