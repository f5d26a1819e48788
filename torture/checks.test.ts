/** The judge of rounds complains of each broken promise, and of nothing else. */
import { expect, test } from "bun:test";
import { judge } from "./checks.ts";
import { Evidence } from "./evidence.ts";
import type { ClientLine, RigLine, RoundHistory, Shown } from "./history.ts";

const IN = "c_round";
const message = (id: string, text: string, more: Partial<Shown> = {}): Shown => ({
  id,
  conversation: IN,
  text,
  position: id,
  ...more,
});
const M1 = message("m1", "k1 1");
const M2 = message("m2", "k1 2");
const ALL = ["a", "b", "c"];

const tried = (at: number, id: string, text: string): ClientLine => ({
  is: "tried",
  at,
  id,
  wish: { op: "post", text },
});
const told = (at: number, id: string, shown: Shown, held = ALL): ClientLine => ({
  is: "told",
  at,
  id,
  outcome: "done",
  held,
  message: shown,
});
const refused = (at: number, id: string): ClientLine => ({
  is: "told",
  at,
  id,
  outcome: "refused",
  code: "forbidden",
});
const posted = (at: number, shown: Shown): ClientLine => ({
  is: "shown",
  at,
  posted: true,
  message: shown,
});
const reading = (server: string, at: number, messages: Shown[], final = true): RigLine => ({
  is: "reading",
  server,
  begun: at,
  at: at + 1,
  final,
  messages,
});

const judgeRound = (history: RoundHistory) => judge(new Evidence(history));

/** Two messages of k1, acknowledged by all, shown to k1 and k2, read on all three. */
type Parts = { k1: ClientLine[]; k2: ClientLine[]; rig: RigLine[] };
function round(change: (parts: Parts) => void): RoundHistory {
  const parts: Parts = {
    k1: [
      tried(100, "r1", "k1 1"),
      tried(110, "r2", "k1 2"),
      posted(140, M1),
      told(150, "r1", M1),
      posted(160, M2),
      told(170, "r2", M2),
    ],
    k2: [posted(145, M1), posted(165, M2)],
    rig: [
      { is: "round", conversation: IN, raced: "race" },
      ...ALL.map((server) => reading(server, 1_000, [M1, M2])),
      ...ALL.map((server): RigLine => ({ is: "channels", server, channels: [] })),
    ],
  };
  change(parts);
  return {
    clients: [
      { client: "k1", lines: parts.k1 },
      { client: "k2", lines: parts.k2 },
    ],
    rig: parts.rig,
  };
}

/** The final reading of every server. */
function reads(parts: Parts, messages: Shown[]): void {
  parts.rig = parts.rig.map((line) => (line.is === "reading" ? { ...line, messages } : line));
}

const kinds = (history: RoundHistory) =>
  [...new Set(judgeRound(history).map((finding) => finding.split(":")[0]))].sort();

test("a round as it should be has no findings", () => {
  expect(judgeRound(round(() => {}))).toEqual([]);
});

const broken: [string, string[], (parts: Parts) => void][] = [
  [
    "an acknowledged message is nowhere",
    ["lost", "missed", "overstated"],
    (parts) => reads(parts, [M1]),
  ],
  [
    "a server was read without what a receipt says it has",
    ["overstated"],
    ({ rig }) => void rig.push(reading("b", 500, [M1], false)),
  ],
  [
    "a receipt that grew says what is not so",
    ["overstated"],
    ({ k1, rig }) => {
      k1.splice(5, 1, told(170, "r2", M2, ["a"]), {
        is: "held",
        at: 300,
        message: "m2",
        held: ["a", "b"],
      });
      rig.push(reading("b", 250, [M1], false), reading("b", 500, [M1], false));
    },
  ],
  [
    "an answer did not wait for a server in sync",
    ["thin"],
    ({ k1, rig }) => {
      k1.splice(5, 1, told(170, "r2", M2, ["a", "b"]));
      rig.push({ is: "calm", from: 50, to: 200 });
    },
  ],
  [
    "something is there that nobody wrote",
    ["invented"],
    (parts) => {
      const stranger = message("m3", "k9 1");
      reads(parts, [M1, M2, stranger]);
      parts.k1.push(posted(180, stranger));
      parts.k2.push(posted(180, stranger));
    },
  ],
  ["a message is shown twice", ["doubled"], ({ k2 }) => void k2.push(posted(200, M2))],
  [
    "a message is there under two ids",
    ["doubled", "missed"],
    (parts) => reads(parts, [M1, M2, message("m3", "k1 2")]),
  ],
  [
    "one sender's messages stand in another order",
    ["disordered"],
    (parts) => {
      reads(parts, [
        { ...M2, position: "m1" },
        { ...M1, position: "m2" },
      ]);
    },
  ],
  [
    "one sender's messages are shown in another order",
    ["disordered"],
    (parts) => {
      parts.k2 = [posted(145, M2), posted(165, M1)];
    },
  ],
  [
    "what was refused for sure shows",
    ["refusedAndThere"],
    ({ k1 }) => {
      k1.splice(5, 1, refused(170, "r2"));
    },
  ],
  [
    "an acknowledged edit does not hold",
    ["lastWord"],
    ({ k1 }) => {
      const wish = { op: "edit", message: "m1", text: "k1 edited 1" } as const;
      k1.push({ is: "tried", at: 200, id: "r3", wish }, told(210, "r3", M1));
    },
  ],
  [
    "what was deleted is there with its text",
    ["erased"],
    ({ k1 }) => {
      const wish = { op: "delete", message: "m1" } as const;
      k1.push({ is: "tried", at: 200, id: "r3", wish }, told(210, "r3", M1));
    },
  ],
  [
    "one id gets two answers",
    ["movedAnswers"],
    ({ k1 }) => void k1.push(tried(180, "r1", "k1 1"), told(190, "r1", M2)),
  ],
  ["somebody was never shown a message", ["missed"], ({ k2 }) => void k2.pop()],
  [
    "somebody is not told that what it was shown is lost",
    ["missed"],
    (parts) => {
      parts.k1.splice(5, 1, told(170, "r2", M2, ["a"]));
      reads(parts, [M1]);
      parts.rig.push({ is: "disk lost", at: 400, server: "a" });
    },
  ],
  [
    "somebody sees an older text",
    ["missed"],
    (parts) => {
      const edited = { ...M1, text: "k1 edited 1" };
      const wish = { op: "edit", message: "m1", text: edited.text } as const;
      reads(parts, [edited, M2]);
      parts.k1.push({ is: "tried", at: 200, id: "r3", wish }, told(210, "r3", edited));
      parts.k1.push({ is: "shown", at: 205, posted: false, message: edited });
    },
  ],
  [
    "a reading lacks what its reader was told",
    ["readBackwards"],
    ({ k1 }) => void k1.push({ is: "read", begun: 300, at: 310, whole: true, messages: [M1] }),
  ],
  [
    "two channels show one name",
    ["namesApart"],
    (parts) => {
      const channels = [
        { id: "c1", name: "race" },
        { id: "c2", name: "race" },
      ];
      race(parts, channels, ["c1", "c2"]);
    },
  ],
  [
    "an acknowledged channel is not there",
    ["namesApart"],
    (parts) => race(parts, [{ id: "c1", name: "race" }], ["c1", "c2"]),
  ],
  [
    "who was refused the name made a channel all the same",
    ["namesApart"],
    (parts) => {
      const channels = [
        { id: "c1", name: "race" },
        { id: "c2", name: "race~3f" },
      ];
      race(parts, channels, ["c1", null]);
    },
  ],
  [
    "servers show different things",
    ["different"],
    ({ rig }) => {
      const at = rig.findIndex((line) => line.is === "reading" && line.server === "b");
      rig[at] = reading("b", 1_000, [M1, { ...M2, position: "m3" }]);
    },
  ],
];

/** k1 and k2 ask for the name; each got a channel of this id, or a refusal. */
function race(parts: Parts, channels: { id: string; name: string }[], got: (string | null)[]) {
  for (const [i, lines] of [parts.k1, parts.k2].entries()) {
    const id = `race-${i}`;
    lines.push({ is: "tried", at: 300, id, wish: { op: "channel", name: "race" } });
    const channel = got[i];
    if (channel === null || channel === undefined) lines.push(refused(310, id));
    else lines.push({ is: "told", at: 310, id, outcome: "done", held: ALL, channel });
  }
  parts.rig = parts.rig.map((line) => (line.is === "channels" ? { ...line, channels } : line));
}

test.each(broken)("%s: found", (_what, wanted, change) => {
  expect(kinds(round(change))).toEqual(wanted);
});

const excused: [string, (parts: Parts) => void][] = [
  [
    "what only lost disks held is lost",
    (parts) => {
      parts.k1.splice(5, 1, told(170, "r2", M2, ["a"]));
      reads(parts, [M1]);
      parts.rig.push({ is: "disk lost", at: 400, server: "a" });
      parts.k1.push({ is: "reset", at: 500 });
      parts.k2.push({ is: "reset", at: 500 });
      for (const lines of [parts.k1, parts.k2]) {
        lines.push({ is: "read", begun: 510, at: 520, whole: true, messages: [M1] });
      }
    },
  ],
  [
    "a refusal of a repeat says nothing of an attempt without an answer",
    ({ k1 }) => {
      k1.splice(5, 1, { is: "broken", at: 165, id: "r2" });
      k1.push(tried(180, "r2", "k1 2"), refused(190, "r2"));
    },
  ],
  [
    "a late message is shown behind later ones",
    (parts) => {
      parts.k2 = [posted(145, M2), posted(165, { ...M1, late: true })];
    },
  ],
];

test.each(excused)("%s: no finding", (_what, change) => {
  expect(judgeRound(round(change))).toEqual([]);
});

test("a disk that was put back to before a receipt excuses, one put back to after it does not", () => {
  const putBack = (asOf: number) =>
    round((parts) => {
      parts.k1.splice(5, 1, told(170, "r2", M2, ["a"]));
      parts.rig.push({ is: "disk put back", at: 400, server: "a", asOf });
      parts.rig.push(reading("a", 500, [M1], false));
    });
  expect(kinds(putBack(50))).toEqual([]);
  expect(kinds(putBack(300))).toEqual(["overstated"]);
});

test("a receipt may name a lost disk until its server is back, and not later", () => {
  const toldAt = (at: number) =>
    round((parts) => {
      parts.k1.splice(5, 1, told(at, "r2", M2, ["a", "b"]));
      parts.rig.push({ is: "disk lost", at: 160, server: "a" });
      parts.rig.push({ is: "returned", at: 300, server: "a" });
      parts.rig.push(reading("a", 5_000, [M1], false));
    });
  expect(kinds(toldAt(170))).toEqual([]);
  expect(kinds(toldAt(2_000))).toEqual(["overstated"]);
});
