/**
 * What happened, as it looked from outside: every attempt of every client with its outcome, everything that
 * every reader was shown. Written down by the load, judged by checks.ts; neither knows anything of how the
 * server does its work. One process records all of it, so a counter is its clock.
 */

/** A message as a server showed it. */
export type Shown = {
  readonly id: string;
  readonly conversation: string;
  readonly author: string;
  readonly text: string;
  readonly position: string;
  readonly deleted: boolean;
};

export type Outcome =
  | { readonly kind: "acknowledged"; readonly held: readonly string[]; readonly message?: Shown }
  /** A definite "no". */
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "indefinite" }
  /** The connection or the server ended first. */
  | { readonly kind: "unanswered" };

export type Attempt = {
  readonly begun: number;
  /** Infinity while it is open. */
  ended: number;
  /** The connection it went over. */
  readonly line: string;
  outcome: Outcome;
};

export type Effect =
  /** `token`: a word that stands in this text and in no other, first. */
  | { readonly type: "post"; readonly to: string; readonly token: string; readonly text: string }
  /** Begins with the token of the post and has a token of its own. */
  | {
      readonly type: "edit";
      readonly message: string;
      readonly token: string;
      readonly text: string;
    }
  | { readonly type: "delete"; readonly message: string }
  | { readonly type: "membership"; readonly channel: string; readonly joined: boolean }
  | { readonly type: "account"; readonly name: string };

export type Write = {
  readonly id: string;
  /** Account id; of an account that is being made it is known when it is acknowledged. */
  author: string;
  readonly effect: Effect;
  /** Of an outbox: in order whatever breaks, so these are compared over connections as well. */
  readonly outbox: string | null;
  readonly attempts: Attempt[];
};

/** What one reader was sent, over all its connections; it resumes by its cursor. */
export type Stream = {
  readonly reader: string;
  readonly conversations: ReadonlySet<string>;
  /** Messages from before it began. */
  readonly known: readonly Shown[];
  readonly events: { readonly at: number; readonly posted: boolean; readonly message: Shown }[];
  resets: number;
};

/** Everything there is, read at one time from the lists and histories. */
export type Snapshot = {
  readonly begun: number;
  readonly ended: number;
  readonly messages: readonly Shown[];
  /** Channel to the account ids of its members. */
  readonly members: ReadonlyMap<string, ReadonlySet<string>>;
  /** Listed name to account ids. */
  readonly accounts: ReadonlyMap<string, readonly string[]>;
};

export class History {
  readonly writes: Write[] = [];
  readonly streams: Stream[] = [];
  readonly snapshots: Snapshot[] = [];
  private time = 0;

  tick(): number {
    return ++this.time;
  }

  write(author: string, id: string, effect: Effect, outbox: string | null = null): Write {
    const write: Write = { id, author, effect, outbox, attempts: [] };
    this.writes.push(write);
    return write;
  }

  begin(write: Write, line: string): Attempt {
    const attempt: Attempt = {
      begun: this.tick(),
      ended: Number.POSITIVE_INFINITY,
      line,
      outcome: { kind: "unanswered" },
    };
    write.attempts.push(attempt);
    return attempt;
  }

  end(attempt: Attempt, outcome: Outcome): void {
    attempt.ended = this.tick();
    attempt.outcome = outcome;
  }

  stream(reader: string, conversations: Iterable<string>, known: readonly Shown[]): Stream {
    const stream: Stream = {
      reader,
      conversations: new Set(conversations),
      known,
      events: [],
      resets: 0,
    };
    this.streams.push(stream);
    return stream;
  }

  /** How many attempts came to what. */
  tally(): Record<string, number> {
    const tally: Record<string, number> = {};
    for (const { attempts } of this.writes) {
      for (const { outcome } of attempts) {
        const key = outcome.kind === "refused" ? `refused ${outcome.code}` : outcome.kind;
        tally[key] = (tally[key] ?? 0) + 1;
      }
    }
    return tally;
  }
}
