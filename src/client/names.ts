/**
 * What `@bob` and `#ops` stand for.
 *
 * Problem: a repeat of "post to @bob" after bob was renamed and another took the name would go to the other.
 * Approach: a name is resolved once, before the first attempt of a write, and every attempt carries the id.
 * What a name stands for is remembered for a short time (`nameMs`), at most NAMES_MAX of them, and forgotten
 * as soon as any account or channel is known to have changed.
 */
import type { Result } from "../protocol/methods.ts";
import { HoldfastError } from "./error.ts";
import type { Clock } from "./ports.ts";
import type { NameKey } from "./table.ts";
import { NAMES_MAX } from "./timing.ts";

export type Resolved = Result<"conversation.resolve">;
export type Resolve = (name: string, deadlineMs: number) => Promise<Resolved>;

export class Names {
  private readonly ask: Resolve;
  private readonly clock: Clock;
  private readonly holdMs: number;
  private readonly known = new Map<string, { answer: Promise<Resolved>; until: number }>();

  constructor(ask: Resolve, clock: Clock, holdMs: number) {
    this.ask = ask;
    this.clock = clock;
    this.holdMs = holdMs;
  }

  resolve(name: string, deadlineMs: number): Promise<Resolved> {
    const now = this.clock.monotonicMs();
    const held = this.known.get(name);
    if (held !== undefined && now < held.until) return held.answer;
    const answer = this.ask(name, deadlineMs);
    const entry = { answer, until: now + this.holdMs };
    this.known.delete(name);
    this.known.set(name, entry);
    if (this.known.size > NAMES_MAX) this.known.delete(this.known.keys().next().value as string);
    answer.catch(() => {
      if (this.known.get(name) === entry) this.known.delete(name);
    });
    return answer;
  }

  forget(): void {
    this.known.clear();
  }
}

/** To a recipient that nobody knows: what posting to it would be told. */
export function asRecipient(error: unknown): unknown {
  if (!(error instanceof HoldfastError) || error.code !== "not_found") return error;
  return new HoldfastError("no_such_recipient", error.message);
}

/** The id that a write carries in place of the name: where an account is meant, the account's. */
export function idFor(key: NameKey, resolved: Resolved): string {
  if (key === "account" || key === "owner") return resolved.conversation.account?.id ?? resolved.id;
  return resolved.id;
}
