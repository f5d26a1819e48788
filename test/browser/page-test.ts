/**
 * A test of the page. Whatever it is about, it also fails by what its world was told that must never happen. A
 * failure leaves a picture of every page, and of what a screen reader would find there.
 */
import { afterAll, expect, test } from "bun:test";
import { cleanUp } from "../server-process.ts";
import { closeBrowser, noBrowser, PATIENCE_MS, World } from "./world.ts";

const TEST_MS = 60_000;

type TestOptions = {
  readonly ms?: number;
  /** Why it cannot run here. */
  readonly skipped?: string | null;
};

/** A test in the browser; skipped, with the reason in its name, where there is none. */
export function pageTest(
  name: string,
  act: (world: World) => Promise<void>,
  { ms = TEST_MS, skipped = null }: TestOptions = {},
): void {
  const reason = noBrowser ?? skipped;
  const run = async () => {
    const world = new World();
    const overtime = Promise.withResolvers<never>();
    const timer = setTimeout(() => overtime.reject(new Error(`it took more than ${ms} ms`)), ms);
    try {
      await Promise.race([act(world), overtime.promise, world.broken]);
      expect(world.faults).toEqual([]);
    } catch (error) {
      const folder = await world.photograph(name);
      if (world.faults.length > 0) console.error(`on the pages: ${world.faults.join("\n")}`);
      console.error(`pictures: ${folder}`);
      throw error;
    } finally {
      clearTimeout(timer);
      await cleanUp();
    }
  };
  test.skipIf(reason !== null)(
    reason === null ? name : `${name} (${reason})`,
    run,
    ms + PATIENCE_MS,
  );
}

/** Call it once in every file. */
export function closeBrowserAfterAll(): void {
  afterAll(closeBrowser);
}
