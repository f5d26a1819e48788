/** A hundred thousand messages: the page holds what is seen, and what is seen stays where it is. */
import { expect } from "bun:test";
import { eventually } from "./browser/eventually.ts";
import { DRIFT, PAINTED, WATCH_DRIFT } from "./browser/in-page.ts";
import { longHistory, wordOf } from "./browser/long-history.ts";
import { closeBrowserAfterAll, pageTest } from "./browser/page-test.ts";
import type { Site } from "./browser/site.ts";
import type { Tab } from "./browser/tab.ts";
import { count, heavy } from "./heavy.ts";

closeBrowserAfterAll();

const MESSAGES = 100_000;
/** Messages in the page at once; the few more are those that wait and lines between. */
const ROWS_MAX = 320;
/** What a row may move while its neighbours come and go, px. */
const DRIFT_MAX = 4;
const SLOW_MS = 250;

async function numbers(tab: Tab): Promise<number[]> {
  return (await tab.read(/\bh\d{6}\b/g)).map((word) => Number(word.slice(1)));
}

/** All there are, in order, without a gap. */
function isRun(found: readonly number[]): boolean {
  return found.every((n, i) => i === 0 || n === (found[i - 1] as number) + 1);
}

pageTest(
  "a long history is read on without a jump, and what is far back is found",
  async (world) => {
    const data = await longHistory(MESSAGES);
    const site = await world.site({ data, withLine: true });
    const tab = await (await world.visitor(site)).open();
    await tab.signIn("reader");
    await tab.entry("#archive", "more than 999 unread").waitFor();
    await tab.openConversation("#archive");
    await tab.jumpToNewest();
    await tab.sees(wordOf(MESSAGES));
    await tab.entry("#archive", "more than 999 unread").waitFor({ state: "detached" });
    await readUpwards(tab, site);
    await wheelUpAndDown(tab);
    await tab.jumpToNewest();
    await tab.sees(wordOf(MESSAGES));
    const last = await numbers(tab);
    expect(isRun(last) && last.length <= ROWS_MAX).toBe(true);
    await tab.send("and on it goes");
    await tab.sent("and on it goes");
    await findPlace(tab);
  },
  { ms: 150_000 },
);

/** By the keyboard, a page at a time; each comes when one already looks. */
async function readUpwards(tab: Tab, site: Site): Promise<void> {
  site.line.slow(SLOW_MS);
  await tab.log.focus();
  const pages = heavy(8, 60);
  let oldest = Math.min(...(await numbers(tab)));
  for (let page = 0; page < pages; page++) {
    await tab.page.keyboard.press("Home");
    await tab.page.evaluate(PAINTED);
    expect(await tab.page.evaluate<number>(WATCH_DRIFT), "messages in sight").toBeGreaterThan(0);
    const before = oldest;
    const held = await eventually(
      `messages older than ${before}`,
      () => numbers(tab),
      (found) => Math.min(...found) < before,
    );
    await tab.page.evaluate(PAINTED);
    expect(await tab.page.evaluate<number>(DRIFT), "px moved").toBeLessThanOrEqual(DRIFT_MAX);
    expect(held.length).toBeLessThanOrEqual(ROWS_MAX);
    expect(isRun(held), `${held[0]} to ${held.at(-1)} without a gap`).toBe(true);
    oldest = Math.min(...held);
  }
  expect(oldest).toBeLessThan(MESSAGES - ROWS_MAX);
  count("pages of history read upwards", pages);
  site.line.slow(0);
}

async function wheelUpAndDown(tab: Tab): Promise<void> {
  const oldest = Math.min(...(await numbers(tab)));
  const box = await tab.log.boundingBox();
  await tab.page.mouse.move((box?.x ?? 0) + 200, (box?.y ?? 0) + 200);
  for (let turn = 0; turn < 150; turn++) {
    await tab.page.mouse.wheel(0, -400);
    if (turn % 25 === 24) expect((await numbers(tab)).length).toBeLessThanOrEqual(ROWS_MAX);
  }
  const up = await eventually(
    "messages further up by the wheel",
    () => numbers(tab),
    (found) => Math.min(...found) < oldest - 200,
  );
  const newest = Math.max(...up);
  await eventually(
    "newer messages, downwards",
    async () => {
      await tab.page.mouse.wheel(0, 2_000);
      return await numbers(tab);
    },
    (found) => Math.max(...found) > newest + 100 && isRun(found),
  );
}

async function findPlace(tab: Tab): Promise<void> {
  const middle = MESSAGES / 2;
  await tab.go(`#/search?q=${wordOf(middle)}`);
  const results = tab.main("Search").getByRole("list", { name: "Results" });
  await results.getByRole("link").first().click();
  await tab.main("Conversation #archive").waitFor();
  await tab.sees(wordOf(middle));
  await eventually(
    "the place in sight",
    () => inSight(tab, wordOf(middle)),
    (is) => is,
  );
  expect(await tab.message(wordOf(middle)).getAttribute("aria-current")).toBe("true");
  await tab.log.focus();
  const directions = [
    ["Home", (found: number[]) => Math.min(...found) < middle - 250],
    ["End", (found: number[]) => Math.max(...found) > middle + 250],
  ] as const;
  for (const [key, goesOn] of directions) {
    const held = await eventually(
      `more by ${key}`,
      async () => {
        await tab.page.keyboard.press(key);
        return await numbers(tab);
      },
      goesOn,
    );
    expect(isRun(held)).toBe(true);
    expect(held.length).toBeLessThanOrEqual(ROWS_MAX);
  }
  await tab.jumpToNewest();
  await tab.sees("and on it goes");
}

async function inSight(tab: Tab, word: string): Promise<boolean> {
  const row = await tab.message(word).boundingBox();
  const frame = await tab.log.boundingBox();
  if (row === null || frame === null) return false;
  return row.y >= frame.y - 1 && row.y + row.height <= frame.y + frame.height + 1;
}
