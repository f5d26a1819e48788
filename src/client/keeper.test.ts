import { expect, test } from "bun:test";
import { Keeper } from "./keeper.ts";

/** A storage whose writes end when they are let go. */
function slow() {
  const kept = new Map<string, string | undefined>();
  const order: string[] = [];
  const held: (() => void)[] = [];
  const keeper = new Keeper(
    {
      list: () => [],
      set: (key, value) =>
        new Promise((resolve) =>
          held.push(() => {
            kept.set(key, value);
            order.push(`${key}=${value}`);
            resolve();
          }),
        ),
    },
    () => {},
  );
  const go = async () => {
    held.shift()?.();
    await Bun.sleep(0);
  };
  return { keeper, kept, order, held, go };
}

test("a value that changes while it is written is written again, and only then is it done", async () => {
  const { keeper, kept, held, go } = slow();
  let done = false;
  const first = keeper.write("a", "1");
  void keeper.write("a", "2").then(() => {
    done = true;
  });
  expect(held.length).toBe(1);
  await go();
  expect(done).toBe(false);
  await go();
  await first;
  expect(done).toBe(true);
  expect(kept.get("a")).toBe("2");
});

test("one write at a time, in the order of the newest values, older ones skipped", async () => {
  const { keeper, order, held, go } = slow();
  void keeper.write("a", "1");
  void keeper.write("b", "1");
  void keeper.write("c", "1");
  void keeper.write("b", "2");
  const flushed = keeper.flushed();
  while (held.length > 0) {
    expect(held.length).toBe(1);
    await go();
  }
  await flushed;
  expect(order).toEqual(["a=1", "c=1", "b=2"]);
});

test("who waits for one value does not wait for those after it", async () => {
  const { keeper, go } = slow();
  const done: string[] = [];
  for (const key of ["a", "b", "c"]) void keeper.write(key, "1").then(() => done.push(key));
  await go();
  expect(done).toEqual(["a"]);
  await go();
  expect(done).toEqual(["a", "b"]);
});

test("goes on after a failure, and later writes start it again", async () => {
  const errors: unknown[] = [];
  const kept = new Map<string, string | undefined>();
  const keeper = new Keeper(
    {
      list: () => {
        throw new Error("no list");
      },
      set: (key, value) => {
        if (key === "bad") throw new Error("no");
        kept.set(key, value);
      },
    },
    (error) => errors.push(error),
  );
  expect(await keeper.load("")).toEqual([]);
  await Promise.all([keeper.write("bad", "1"), keeper.write("good", "1")]);
  await keeper.flushed();
  await keeper.write("good", "2");
  expect(kept.get("good")).toBe("2");
  expect(errors.length).toBe(2);
});
