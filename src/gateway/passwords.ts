/**
 * Passwords: hashed and verified off the event loop, few at a time, with a bound on who waits, because each
 * takes tens of ms and 19 MiB. Guessing is throttled by account and by address; an unknown name costs the
 * same time as a wrong password, so that answers do not tell which names exist.
 */
import { Refusal } from "../core/errors.ts";
import {
  PASSWORD_FAILURES_MAX,
  PASSWORD_FAILURES_PER_ADDRESS_MAX,
  PASSWORD_HASHES_AT_ONCE,
  PASSWORD_QUEUE_MAX,
  PASSWORD_WINDOW_MS,
  THROTTLE_ENTRIES_MAX,
} from "../core/limits.ts";
import type { Clock } from "../replica/ports.ts";
import type { PasswordHasher } from "./ports.ts";
import { Throttle } from "./throttle.ts";

const GUESSING = "too many wrong passwords";
const GUESSING_CODES = "too many wrong codes";

export class Passwords {
  private readonly hasher: PasswordHasher;
  private readonly byAccount: Throttle;
  private readonly byAddress: Throttle;
  private running = 0;
  private readonly queue: (() => void)[] = [];
  private decoy: Promise<string> | null = null;

  constructor(clock: Clock, hasher: PasswordHasher) {
    this.hasher = hasher;
    const entries = THROTTLE_ENTRIES_MAX;
    this.byAccount = new Throttle(clock, PASSWORD_FAILURES_MAX, PASSWORD_WINDOW_MS, entries);
    this.byAddress = new Throttle(
      clock,
      PASSWORD_FAILURES_PER_ADDRESS_MAX,
      PASSWORD_WINDOW_MS,
      entries,
    );
  }

  /** Those who wait for their turn. */
  get waiting(): number {
    return this.queue.length;
  }

  private async turn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= PASSWORD_HASHES_AT_ONCE) {
      if (this.queue.length >= PASSWORD_QUEUE_MAX) {
        throw new Refusal("rate_limited", "too many sign-ins at once: try again in 2 s", 2_000);
      }
      await new Promise<void>((resolve) => this.queue.push(resolve));
    }
    this.running++;
    try {
      return await work();
    } finally {
      this.running--;
      this.queue.shift()?.();
    }
  }

  hash(password: string): Promise<string> {
    return this.turn(() => this.hasher.hash(password.normalize("NFC")));
  }

  /** Whether a password is the one behind a hash; not for sign-ins. */
  fits(password: string, hash: string): Promise<boolean> {
    return this.turn(() => this.hasher.verify(password.normalize("NFC"), hash));
  }

  /** Throws what a wrong code is told, or `rate_limited` after too many: as for passwords. */
  demandCode(what: string, address: string, good: boolean, wrong: () => Refusal): void {
    const code = `# ${what} ${address}`; // no account is called so
    this.byAccount.check(code, GUESSING_CODES);
    this.byAddress.check(address, GUESSING_CODES);
    if (good) return;
    this.byAccount.take(code);
    this.byAddress.take(address);
    throw wrong();
  }

  /**
   * Verifies a password of the account called `name`. `hash` is null where there is no such account.
   * Throws what a wrong one is told, or `rate_limited` after too many.
   */
  async demand(
    name: string,
    address: string,
    password: string,
    hash: string | null,
    wrong = () => new Refusal("bad_credentials", "the name or the password is wrong"),
  ): Promise<void> {
    const account = `${name} ${address}`;
    this.byAccount.check(account, GUESSING);
    this.byAddress.check(address, GUESSING);
    // Counted before the answer is known, so that parallel guesses do not slip through.
    this.byAccount.take(account);
    this.byAddress.take(address);
    const good = await this.turn(async () => {
      this.decoy ??= this.hasher.hash("no account has this password");
      const verified = await this.hasher.verify(
        password.normalize("NFC"),
        hash ?? (await this.decoy),
      );
      return verified && hash !== null;
    });
    if (!good) throw wrong();
    this.byAccount.giveBack(account);
    this.byAddress.giveBack(address);
  }
}
