/** A replica over a scripted log and a real view, in the hands of a test. */

import { Refusal } from "../src/core/errors.ts";
import { type AccountId, accountIdOf, type RequestId, requestIdFrom } from "../src/core/ids.ts";
import type { Op } from "../src/core/op.ts";
import { messagePost } from "../src/ops/message.ts";
import type { Folded } from "../src/replica/ports.ts";
import { type Outcome, Replica } from "../src/replica/replica.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import { SqliteView } from "../src/storage/view.ts";
import { CountedRandom, ManualClock } from "./manual-clock.ts";
import { ScriptedLog } from "./memory-log.ts";

export const ALICE = accountIdOf(new Uint8Array(16).fill(1));
export const BOB = accountIdOf(new Uint8Array(16).fill(2));
export const id = (i: number): RequestId =>
  requestIdFrom(1_700_000_000_000 + i, new Uint8Array(10));
export const content = (text: string) => ({ scope: BOB, data: {}, body: { text } });

/** What became of a promise, as far as the turn of the event loop has got. */
export type Fate = { outcome?: Outcome; refusal?: Refusal };

export class Rig {
  readonly clock = new ManualClock();
  readonly log: ScriptedLog;
  readonly view: SqliteView;
  readonly replica: Replica;
  readonly told: Folded[] = [];
  readonly alarms: string[] = [];
  readonly points: string[] = [];

  constructor(held: readonly Op[] = []) {
    this.log = new ScriptedLog(held);
    this.view = SqliteView.open({ path: ":memory:", hash: sha256, log: this.log }).view;
    while (this.view.catchUp());
    this.replica = new Replica({
      name: "a",
      hash: sha256,
      clock: this.clock,
      random: new CountedRandom(held.length),
      log: this.log,
      view: this.view,
      probe: (point) => this.points.push(point),
    });
    this.replica.listen({
      folded: (batch) => this.told.push(...batch),
      alarm: (what, _message, clear) => this.alarms.push(`${what} ${clear ? "over" : "on"}`),
    });
  }

  post(i: number, text = `text ${i}`, author: AccountId = ALICE): Fate {
    return fate(
      this.replica.mint({
        author,
        id: id(i),
        kind: messagePost,
        content: content(text),
        changes: [`key ${i}`],
      }),
    );
  }

  repeat(i: number, text = `text ${i}`, author: AccountId = ALICE) {
    return this.replica.earlier(author, id(i), messagePost, content(text));
  }

  turn(): void {
    this.clock.pass(0);
  }
}

export function fate(promise: Promise<Outcome>): Fate {
  const known: Fate = {};
  promise.then(
    (outcome) => {
      known.outcome = outcome;
    },
    (refusal: Refusal) => {
      known.refusal = refusal;
    },
  );
  return known;
}

/** Lets promises tell. */
export const settle = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

export function refusedWith(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return "nothing";
}
