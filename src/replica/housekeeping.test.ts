/** Work behind the fold where the disk has no room for it: put off, not repeated without a pause, no obstacle. */
import { expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { ScriptedLog } from "../../test/memory-log.ts";
import { NoRoom } from "../core/errors.ts";
import { Housekeeping } from "./housekeeping.ts";
import type { View } from "./ports.ts";

type Work = Pick<View, "tidy" | "clean" | "needsCleaning" | "pendingErasures" | "erasuresDone">;

/** A view with one body to erase, on a disk that may be full. */
class FullView implements Work {
  isFull = false;
  /** Whether there is something to write where tidying finds nothing. */
  isUntidy = false;
  needsCleaning = false;
  private erasures = [{ n: 1, by: 2 }];

  tidy(): boolean {
    if (this.isUntidy) this.write();
    return false;
  }

  clean(): boolean {
    return false;
  }

  pendingErasures() {
    return this.erasures;
  }

  erasuresDone(): void {
    this.write();
    this.erasures = [];
  }

  private write(): void {
    if (this.isFull) throw new NoRoom("full");
  }
}

function rig() {
  const clock = new ManualClock();
  const log = new ScriptedLog();
  let erased = 0;
  log.erase = () => {
    erased++;
  };
  const view = new FullView();
  const housekeeping = new Housekeeping({ clock, log, view: view as unknown as View }, () => {});
  return { clock, view, housekeeping, asked: () => erased };
}

test("[R53] erased and not taken down for want of room: asked for again, with a pause", () => {
  const { clock, view, housekeeping, asked } = rig();
  clock.pass(100);
  expect(asked()).toBe(1);
  view.isFull = true;
  housekeeping.erased([1]);
  clock.pass(500);
  expect(asked()).toBe(1); // not a hundred times: each would write to a disk that is full
  view.isFull = false;
  clock.pass(2_000);
  expect(asked()).toBe(2);
  housekeeping.erased([1]);
  clock.pass(2_000);
  expect(asked()).toBe(2);
});

test("[R53, R56] a disk without room keeps no server from stopping", async () => {
  const { clock, view, housekeeping } = rig();
  clock.pass(100);
  view.isFull = true;
  view.isUntidy = true;
  await housekeeping.finish();
  const other = rig();
  const finished = other.housekeeping.finish();
  other.view.isFull = true;
  other.housekeeping.erased([1]); // the log has room, the view has none
  await finished;
  expect(other.asked()).toBe(1);
});
