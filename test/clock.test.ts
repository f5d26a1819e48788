/** A wall clock that leaps, on a whole server: what people's messages are stamped with, and what is said. */
import { expect, test } from "bun:test";
import { parsePosition } from "../src/core/position.ts";
import { JumpClock, newId, realClock, type TestClient, TestServer } from "./in-process.ts";

const DAY_MS = 24 * 60 * 60_000;
const MINUTE_MS = 60_000;

/** The real clock, but for a wall that somebody sets. */
class SetClock extends JumpClock {
  setByMs = 0;
  override wallMs = () => realClock.wallMs() + this.setByMs;
}

test("[R55] a leap of the wall clock is not followed and raises an alarm; stamps never go back", async () => {
  const clock = new SetClock();
  const told: string[] = [];
  const log = {
    info: (fields: object) => "what" in fields && told.push(`${fields.what} over`),
    warn: () => {},
    error: (fields: object) => "what" in fields && told.push(`${fields.what}`),
  };
  const server = await TestServer.start({ clock, log });
  const stamps: number[] = [];
  const positions: string[] = [];
  const say = async (client: TestClient) => {
    const to = "@clock-alice";
    const { message } = await client.call("message.post", { to, text: "x", id: newId() });
    stamps.push(parsePosition(message.position)?.stamp.ms ?? 0);
    positions.push(message.position);
  };
  const alice = await server.join("clock-alice");
  await say(alice);
  const right = stamps[0] as number;
  for (const leap of [DAY_MS, -DAY_MS]) {
    clock.setByMs = leap;
    await say(alice);
    await say(alice);
    expect(told.splice(0)).toEqual(["clock"]); // once, not for each message
    clock.setByMs = 0;
    await say(alice);
    expect(told.splice(0)).toEqual(["clock over"]);
  }
  for (const ms of stamps) expect(Math.abs(ms - right)).toBeLessThan(MINUTE_MS);
  clock.setByMs = 4 * MINUTE_MS; // no leap yet: within the bound it is followed
  await say(alice);
  expect(told).toEqual([]);
  expect(stamps.at(-1)).toBeGreaterThanOrEqual(right + 4 * MINUTE_MS);
  expect(stamps.at(-1)).toBeLessThan(right + 10 * MINUTE_MS);
  // Set back while the server was down: it goes on above what it stamped before.
  clock.setByMs = -DAY_MS;
  await server.restart();
  const again = await server.resume(alice.token);
  for (let i = 0; i < 3; i++) await say(again);
  expect(positions).toEqual(positions.toSorted());
  expect(new Set(positions).size).toBe(positions.length);
  expect(server.defects).toEqual([]);
  await server.dispose();
});
