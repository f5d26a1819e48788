/**
 * Gone is gone: within a minute after a deletion is acknowledged, no file of the data directory holds the text
 * any more, while others go on writing; the same for all texts of an account that is erased.
 */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { count, heavy } from "./heavy.ts";
import { newRequestId, runSeed } from "./torture/chance.ts";
import { filesWith } from "./torture/files.ts";
import { demand, Person, shownOf } from "./torture/person.ts";
import { LIMIT_MS, reported } from "./torture/report.ts";
import { killServers } from "./torture/server-process.ts";
import { World, within } from "./torture/world.ts";

/** Promised: ERASE_DEADLINE_MS of the specification. */
const DEADLINE_MS = 60_000;
const SECRETS = 30;
const WARM_UP_MS = 300;

const FILE = "torture-erase.test.ts";
const seed = runSeed();
const root = mkdtempSync(join(tmpdir(), "holdfast-erase-"));
afterAll(async () => {
  await killServers();
  rmSync(root, { recursive: true, force: true });
});

/**
 * What is searched for: the ends of words, because an index that stores sorted words may leave out what a
 * word's beginning shares with its neighbour's.
 */
const ends = (secrets: readonly string[]) => secrets.map((secret) => secret.slice(4));

async function posted(person: Person, to: string, text: string): Promise<string> {
  const answer = await person.wire?.call("message.post", { to, text, id: newRequestId() });
  return shownOf(demand(answer ?? { kind: "unanswered" }, "a secret").message!).id;
}

test(
  "[R9] what was deleted or erased is in no file a minute later, under load, and stays out",
  reported(FILE, seed, async () => {
    const rounds = heavy(1, 10);
    for (let round = 0; round < rounds; round++) {
      const world = new World({ data: join(root, `data-${round}`), seed: seed + round });
      await world.start();
      await world.settle();
      const { chance, data, url, ops } = world;
      // Not of the load: eve writes what shall go, fay what shall stay.
      const eve = new Person("eve", world.history);
      const fay = new Person("fay", world.history);
      for (const person of [eve, fay]) {
        await person.signUp(url);
        demand(await person.wire!.call("channel.join", { in: ops, id: newRequestId() }), "join");
      }
      let isOver = false;
      const over = (async () => {
        while (!isOver) await Bun.sleep(20);
      })();
      const load = world.load(over);
      const secrets = (n: number) => Array.from({ length: n }, () => chance.word(20));
      const [deleted, edited, erased, kept] = [
        secrets(SECRETS),
        secrets(3),
        secrets(SECRETS),
        secrets(3),
      ];
      const ids: string[] = [];
      for (const secret of deleted)
        ids.push(await posted(eve, ops, `it is ${secret} ${"!".repeat(chance.whole(0, 3_000))}`));
      const changed = await posted(eve, ops, `first ${edited[0]}`);
      for (const secret of edited.slice(1)) {
        demand(
          await eve.wire!.call("message.edit", {
            message: changed,
            text: secret,
            id: newRequestId(),
          }),
          "edit",
        );
      }
      for (const secret of erased) await posted(eve, chance.pick([ops, fay.id]), secret);
      for (const secret of kept) await posted(fay, ops, secret);
      const search = await fay.read("message.search", { text: deleted[0] });
      expect(search?.messages).toHaveLength(1);
      await Bun.sleep(WARM_UP_MS); // into the log, the view and its index
      expect(filesWith(data, ends([...deleted, ...erased, ...kept])).length).toBeGreaterThan(0);

      for (const message of [...ids, changed]) {
        demand(await eve.wire!.call("message.delete", { message, id: newRequestId() }), "delete");
      }
      const gone = ends([...deleted, ...edited]);
      await within(
        () => filesWith(data, gone).length === 0,
        "deleted texts to leave the disk",
        DEADLINE_MS,
      );
      const took = { password: eve.password, erase: true, id: newRequestId() };
      demand(await eve.wire!.call("account.delete", took), "account.delete");
      gone.push(...ends(erased));
      await within(
        () => filesWith(data, gone).length === 0,
        "erased texts to leave the disk",
        DEADLINE_MS,
      );
      // What nobody deleted is still there: the search itself works.
      const there = ends(kept).filter((word) => filesWith(data, [word]).length > 0);
      expect(there).toEqual(ends(kept));

      isOver = true;
      await load;
      await world.server?.kill();
      expect(filesWith(data, gone)).toEqual([]);
      await world.start();
      await world.resume();
      await fay.resume(world.url);
      for (const secret of [deleted[0], erased[0]]) {
        expect((await fay.read("message.search", { text: secret }))?.messages).toEqual([]);
      }
      expect(filesWith(data, gone)).toEqual([]);
      await world.close();
    }
    count("erased texts searched for on disk", rounds * (2 * SECRETS + 3));
  }),
  LIMIT_MS,
);

test(
  "[R9] a server killed while it erases goes on with it at the next start",
  reported(FILE, seed, async () => {
    const kills = heavy(2, 20);
    const world = new World({ data: join(root, "killed"), seed });
    await world.start();
    await world.settle();
    const { chance, dan, ops, data } = world;
    const gone: string[] = [];
    for (let i = 0; i < kills; i++) {
      const secrets = Array.from({ length: SECRETS }, () => chance.word(20));
      const ids = await Promise.all(secrets.map((secret) => posted(dan, ops, secret)));
      await Bun.sleep(chance.whole(0, 100));
      const deletions = ids.map((message) =>
        dan.wire!.call("message.delete", { message, id: newRequestId() }),
      );
      await Promise.all(deletions.slice(0, chance.whole(1, SECRETS - 1)));
      await world.putAway();
      await world.server?.kill();
      const answers = await Promise.all(deletions);
      for (const [at, answer] of answers.entries()) {
        if (answer.kind === "result") gone.push(...ends([secrets[at]!]));
      }
      await world.start();
      await world.resume();
      await within(
        () => filesWith(data, gone).length === 0,
        "deleted texts to leave the disk",
        DEADLINE_MS,
      );
    }
    await world.close();
    count("SIGKILLs while erasing", kills);
  }),
  LIMIT_MS,
);
