import { expect, setDefaultTimeout, test } from "bun:test";
import { run } from "./run.ts";

setDefaultTimeout(600_000);

/** What was found once, by the seed that found it. */
const FOUND: Readonly<Record<string, number>> = {
  "[R7] a message that came again after a reset was not shown": 10,
  "[R7] a message that was moved by a hedge stayed where it was": 4,
  "[R9] a deleted message came back by a server that had not heard of it": 119,
  "[R7] a message stayed where a server that was behind had shown it": 1217,
  "[R7] and where such a server told of an edit of it": 1127,
  "[R6] reads were stale for ever, of a store that was lost and that nobody remembered": 1017,
  "[R6] reads were stale for ever, of a store that had all and was taken for put back": 3004,
  "[R7] a direct conversation was open to nobody: an edit of its first message came before that": 8023,
  "[R6] what waited for room on a disk was taken for covered, and reads were older than what was seen": 1227,
  "[R7] a message that a change had moved stayed there when the one that counts came again": 8142,
  "[R6] who had been shown what went with a disk was not told when it came anew": 8132,
  "[R7] a cursor of a disk that was put back was held against its numbers, and an edit passed over": 5066,
  "[R7] a channel that a ban had closed was not opened when the ban that counts came, which did not": 10061,
  "[R8] two had one name: the clock of one server was far ahead, and nothing followed what it had reserved": 60108,
  "[R7] nobody was told of a message that a ban hid, and what came late showed": 21159,
  "[LIVENESS] what erased a text was on a server that was gone: the others waited ten minutes": 5013,
  "[R7] an edit was shown, then undone by a server behind that moved the message, and never shown again": 40026,
  "[R11] a post through two servers was refused by the one whose op does not count": 40013,
  "[LIVENESS] a token was unavailable for ever where all other servers had been removed": 41055,
  "a server that was started while it stopped stayed away": 1024,
  "time stood still: a wait shorter than what can be added to the time": 1002,
  "[R11] a post that a ban overtook was refused, and stored": 1001,
};

for (const [what, seed] of Object.entries(FOUND)) {
  test(`found before: ${what} (seed ${seed})`, async () => {
    expect((await run(seed)).failure).toBeNull();
  });
}

test("the same seed is the same run, another one another", async () => {
  const [first, again, other] = [await run(2), await run(2), await run(5)];
  expect(again.hash).toBe(first.hash);
  expect(again.sometimes).toEqual(first.sometimes);
  expect(other.hash).not.toBe(first.hash);
});
