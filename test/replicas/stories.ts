/** How stories of a world are told: for many seeds, from the meeting of all on, one message at a time. */
import { count } from "../heavy.ts";
import type { Request } from "./workload.ts";
import { World, type WorldOptions } from "./world.ts";

const FIRST_SEED = Number(Bun.env.HOLDFAST_SEED ?? 1);

/** Runs a story for many seeds, and those that `found` something once; a failure names the one that repeats it. */
export async function forSeeds(
  what: string,
  runs: number,
  story: (seed: number) => Promise<void>,
  found: readonly number[] = [],
): Promise<void> {
  const fresh = Array.from({ length: runs }, (_, i) => FIRST_SEED + i);
  for (const seed of new Set([...fresh, ...found])) {
    try {
      await story(seed);
    } catch (error) {
      throw new Error(`HOLDFAST_SEED=${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  count(what, new Set([...fresh, ...found]).size);
}

export const receiptOf = (request: Request) => {
  const [answer] = request.answers;
  return answer?.what === "done" ? answer.outcome.receipt : answer;
};

/** Somebody writes something through the server on this host; resolves when it is answered. */
export async function say(world: World, host: string, withinMs = 2_000): Promise<Request> {
  const request = world.work.post();
  world.work.ask(request, world.at(host));
  await world.until(() => request.answers.length > 0, withinMs);
  return request;
}

/** Three servers that are in sync with each other. */
export async function met(options: Partial<WorldOptions> = {}): Promise<World> {
  const world = new World({ seed: 1, ...options });
  await world.meet();
  await world.pass(200);
  return world;
}
