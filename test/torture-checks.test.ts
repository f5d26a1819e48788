/** The judge of the torture tests, judged: for every rule a history that breaks it and nothing else. */
import { describe, expect, test } from "bun:test";
import { check } from "./torture/checks.ts";
import {
  type Effect,
  History,
  type Outcome,
  type Shown,
  type Snapshot,
} from "./torture/history.ts";

const message = (n: number, more: Partial<Shown> = {}): Shown => ({
  id: `m${n}`,
  conversation: "c",
  author: "ann",
  text: `w${n} hello`,
  position: `p${n}`,
  deleted: false,
  ...more,
});

const stored = (told?: Shown): Outcome =>
  told === undefined
    ? { kind: "acknowledged", held: ["a"] }
    : { kind: "acknowledged", held: ["a"], message: told };
const refused: Outcome = { kind: "refused", code: "storage_full" };
const unanswered: Outcome = { kind: "unanswered" };

class Story {
  readonly history = new History();
  private ids = 0;

  write(effect: Effect, ...outcomes: Outcome[]): this {
    const write = this.history.write("ann", `id${++this.ids}`, effect);
    for (const outcome of outcomes) this.history.end(this.history.begin(write, "line 1"), outcome);
    return this;
  }

  post(n: number, ...outcomes: Outcome[]): this {
    return this.write({ type: "post", to: "c", token: `w${n}`, text: `w${n} hello` }, ...outcomes);
  }

  edit(n: number, token: string, ...outcomes: Outcome[]): this {
    return this.write(
      { type: "edit", message: `m${n}`, token, text: `w${n} ${token}` },
      ...outcomes,
    );
  }

  remove(n: number, ...outcomes: Outcome[]): this {
    return this.write({ type: "delete", message: `m${n}` }, ...outcomes);
  }

  sent(...events: [boolean, Shown][]): this {
    const stream = this.history.streams[0] ?? this.history.stream("bob", ["c"], []);
    for (const [posted, shown] of events) {
      stream.events.push({ at: this.history.tick(), posted, message: shown });
    }
    return this;
  }

  snapshot(messages: Shown[], more: Partial<Snapshot> = {}): Snapshot {
    const begun = this.history.tick();
    const ended = this.history.tick();
    return { begun, ended, messages, members: new Map(), accounts: new Map(), ...more };
  }

  judged(messages: Shown[], more: Partial<Snapshot> = {}): string {
    return check(this.history, this.snapshot(messages, more), { final: true }).join("; ");
  }
}

const gone = (n: number) => message(n, { deleted: true, text: "" });
const member = (joined: boolean): Effect => ({ type: "membership", channel: "s", joined });
const account: Effect = { type: "account", name: "ned" };

describe("a history that is as it should be", () => {
  test("has no complaint: posts, edits, deletions, repeats, open and refused attempts", () => {
    const story = new Story()
      .post(1, stored(message(1)))
      .post(2, unanswered, stored(message(2)))
      .post(3, refused)
      .post(4, unanswered) // stored, and nobody was told
      .post(5, unanswered) // not stored
      .post(6, stored(message(6)))
      .edit(1, "e1", stored())
      .edit(1, "e2", unanswered)
      .remove(6, stored())
      .sent(...[1, 2, 4, 6].map((n): [boolean, Shown] => [true, message(n)]))
      .sent([false, message(1, { text: "w1 e2" })], [false, gone(6)]);
    const now = [message(1, { text: "w1 e2" }), message(2), message(4), gone(6)];
    expect(story.judged(now)).toBe("");
  });

  test("may miss what the server named as lost, and nothing else", () => {
    const story = new Story().post(1, stored(message(1))).post(2, stored(message(2)));
    const snapshot = story.snapshot([]);
    const lost = (position: string) => position === "p1";
    const complaints = check(story.history, snapshot, { except: { lost, lostOthers: 0 } });
    expect(complaints.join()).toMatch(/^post w2 .* acknowledged, missing$/);
  });
});

const three = [1, 2, 3].map((n) => message(n));
const posted = () => new Story().post(1, stored(message(1)));

const bad: [string, RegExp, () => string][] = [
  ["an acknowledged message is missing", /acknowledged, missing/, () => posted().judged([])],
  [
    "a message acknowledged by a repeat is missing",
    /acknowledged, missing/,
    () => new Story().post(1, unanswered, stored(message(1))).judged([]),
  ],
  [
    "a message has another author",
    /shown as bob's/,
    () => posted().judged([message(1, { author: "bob" })]),
  ],
  [
    "a receipt names nobody",
    /its receipt names \[\]/,
    () =>
      new Story()
        .post(1, { kind: "acknowledged", held: [], message: message(1) })
        .judged([message(1)]),
  ],
  ["one id stands twice", /m1 is there twice/, () => posted().judged([message(1), message(1)])],
  [
    "one content stands under two ids",
    /w1 is in m1 and in m9/,
    () => posted().judged([message(1), message(9, { text: "w1 hello" })]),
  ],
  [
    "a message is there that nobody wrote",
    /nobody wrote w7/,
    () => new Story().judged([message(7)]),
  ],
  [
    "a refused message shows later",
    /refused, and yet it shows/,
    () => new Story().post(1, refused).judged([message(1)]),
  ],
  [
    "a refused message was shown in between",
    /refused, and yet it shows/,
    () =>
      new Story()
        .post(1, refused)
        .sent([true, message(1)])
        .judged([message(1)]),
  ],
  [
    "a refused edit shows",
    /refused, and yet it shows/,
    () =>
      posted()
        .edit(1, "e1", refused)
        .judged([message(1, { text: "w1 e1" })]),
  ],
  [
    "a refused deletion acts",
    /delete .* refused, and yet it shows/,
    () =>
      posted()
        .remove(1, refused)
        .judged([gone(1)]),
  ],
  [
    "an acknowledged edit is undone",
    /m1 reads "w1 hello", not "w1 e1"/,
    () =>
      posted()
        .edit(1, "e1", stored())
        .judged([message(1)]),
  ],
  [
    "an open edit undoes a later acknowledged one",
    /m1 reads "w1 e1", not "w1 e2"/,
    () =>
      posted()
        .edit(1, "e1", unanswered)
        .edit(1, "e2", stored())
        .judged([message(1, { text: "w1 e1" })]),
  ],
  [
    "an acknowledged deletion is undone",
    /m1 reads "w1 hello", not "\(deleted\)"/,
    () =>
      posted()
        .remove(1, stored())
        .judged([message(1)]),
  ],
  [
    "a deleted message that was shown as such is back",
    /m1 was deleted, and is back/,
    () =>
      posted()
        .remove(1, unanswered)
        .sent([false, gone(1)])
        .judged([message(1)]),
  ],
  [
    "a sender's messages of one line change places",
    /w2 .* stands before what its sender sent earlier/,
    () => {
      const story = new Story();
      const writes = [1, 2].map((n) => {
        const effect: Effect = { type: "post", to: "c", token: `w${n}`, text: `w${n} hello` };
        return story.history.write("ann", `id${n}`, effect);
      });
      const open = writes.map((write) => story.history.begin(write, "line 1"));
      const places = [message(1, { position: "p5" }), message(2, { position: "p4" })];
      for (const [i, attempt] of open.entries()) story.history.end(attempt, stored(places[i]));
      return story.judged(places);
    },
  ],
  [
    "a message stands before one that its sender had been told of",
    /stands before what its sender was told earlier/,
    () => {
      const late = message(2, { position: "p0" });
      const first = posted();
      const write = first.history.write("ann", "id9", {
        type: "post",
        to: "c",
        token: "w2",
        text: "w2 hello",
      });
      first.history.end(first.history.begin(write, "line 2"), stored(late));
      return first.judged([late, message(1)]);
    },
  ],
  [
    "a repeat gets another answer",
    /got different answers/,
    () => new Story().post(1, stored(message(1)), stored(message(2))).judged([message(1)]),
  ],
  [
    "what was shown is gone, although nobody was told that it is stored",
    /m1 was shown, and is gone/,
    () =>
      new Story()
        .post(1, unanswered)
        .sent([true, message(1)])
        .judged([]),
  ],
  [
    "a message moves",
    /m1 moved from p1 to p8/,
    () =>
      new Story()
        .post(1, unanswered)
        .sent([true, message(1)])
        .judged([message(1, { position: "p8" })]),
  ],
  [
    "a reader misses a message",
    /bob was never sent m2/,
    () =>
      new Story()
        .post(1, stored(message(1)))
        .post(2, stored(message(2)))
        .post(3, stored(message(3)))
        .sent([true, message(1)], [true, message(3)])
        .judged(three),
  ],
  [
    "a reader is sent a message twice",
    /bob was sent m1 twice/,
    () =>
      posted()
        .sent([true, message(1)], [true, message(1)])
        .judged([message(1)]),
  ],
  [
    "a reader misses an edit",
    /bob was not sent the last change of m1/,
    () =>
      posted()
        .edit(1, "e1", stored())
        .sent([true, message(1)])
        .judged([message(1, { text: "w1 e1" })]),
  ],
  [
    "somebody who joined is no member",
    /ann is not a member of s/,
    () =>
      new Story()
        .write(member(true), stored())
        .judged([], { members: new Map([["s", new Set()]]) }),
  ],
  [
    "somebody who left is still a member",
    /ann is a member of s/,
    () =>
      new Story()
        .write(member(true), stored())
        .write(member(false), stored())
        .judged([], { members: new Map([["s", new Set(["ann"])]]) }),
  ],
  [
    "an acknowledged account is missing",
    /account ned .* acknowledged, missing/,
    () => new Story().write(account, stored()).judged([]),
  ],
  [
    "a refused account is there",
    /account ned was refused, and is there/,
    () => new Story().write(account, refused).judged([], { accounts: new Map([["ned", ["a_1"]]]) }),
  ],
  [
    "two accounts show one name",
    /the name ned is listed 2 times/,
    () =>
      new Story()
        .write(account, stored())
        .judged([], { accounts: new Map([["ned", ["ann", "bob"]]]) }),
  ],
];

describe("the judge complains when", () => {
  test.each(bad)("%s", (_, complaint, judged) => {
    expect(judged()).toMatch(complaint);
  });
});
