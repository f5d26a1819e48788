import { describe, expect, test } from "bun:test";
import { Shown } from "./cursors.ts";

describe("what was shown", () => {
  const at = (id: string, position = "1") => ({ id, position });

  test("is bounded, the oldest goes first", () => {
    const shown = new Shown(3);
    for (const id of ["1", "2", "3", "4"]) {
      expect(shown.asWhat("message.posted", at(id))).toBe("message.posted");
    }
    expect(shown.asWhat("message.posted", at("2"))).toBeUndefined();
    expect(shown.asWhat("message.posted", at("1"))).toBe("message.posted");
  });

  test("[R6, R65] was edited, and is told again by a server that has not heard of that: it stays as it was edited", () => {
    const shown = new Shown(3);
    const says = (position: string, text: string, edited?: true) => ({
      ...at("1", position),
      text,
      ...(edited ? { edited } : {}),
    });
    shown.asWhat("message.posted", says("b", "first"));
    expect(shown.asWhat("message.changed", says("b", "second", true))).toBe("message.changed");
    const behind = says("a", "first");
    expect(shown.asWhat("message.posted", behind)).toBe("message.changed"); // it is moved
    expect(behind).toMatchObject({ position: "a", text: "second", edited: true });
    expect(shown.asWhat("message.posted", says("a", "second", true))).toBeUndefined();
    const third = says("a", "third", true);
    expect(shown.asWhat("message.changed", third)).toBe("message.changed");
    expect(third.text).toBe("third");
  });

  test("[R7, R65] and comes again at another place was moved: that is told as a change", () => {
    const shown = new Shown(3);
    shown.asWhat("message.posted", at("1", "b"));
    expect(shown.asWhat("message.posted", at("1", "a"))).toBe("message.changed");
    expect(shown.asWhat("message.posted", at("1", "a"))).toBeUndefined();
    expect(shown.asWhat("message.changed", at("1", "b"))).toBe("message.changed");
    expect(shown.asWhat("message.posted", at("1", "a"))).toBe("message.changed");
  });

  test("[R6, R9, R65] and deleted stays so, whatever a server says that has not heard of it", () => {
    const shown = new Shown(3);
    const deleted = { ...at("1", "b"), deleted: true };
    shown.asWhat("message.posted", at("1", "b"));
    expect(shown.asWhat("message.changed", deleted)).toBe("message.changed");
    expect(shown.asWhat("message.posted", at("1", "a"))).toBeUndefined();
    expect(shown.asWhat("message.changed", at("1", "a"))).toBeUndefined();
    expect(shown.asWhat("message.changed", { ...deleted, position: "a" })).toBe("message.changed");
    expect(shown.asWhat("message.posted", at("1", "a"))).toBeUndefined();
    shown.asWhat("reset", undefined);
    expect(shown.asWhat("message.posted", at("1", "a"))).toBe("message.posted");
  });

  test("[R7] and comes again as a deleted one: that is told as a change", () => {
    const shown = new Shown(3);
    shown.asWhat("message.posted", at("1"));
    expect(shown.asWhat("message.posted", { ...at("1"), deleted: true })).toBe("message.changed");
  });

  test("[R30] and what comes behind a later one of its conversation is late, whoever tells it", () => {
    const shown = new Shown(9);
    const posted = (id: string, conversation: string, position: string) => {
      const message: { id: string; late?: true } & object = { id, ...{ conversation, position } };
      shown.asWhat("message.posted", message);
      return message.late ?? false;
    };
    expect(posted("1", "c_1", "b")).toBe(false);
    expect(posted("2", "c_1", "d")).toBe(false);
    expect(posted("3", "c_1", "c")).toBe(true);
    expect(posted("4", "c_2", "a")).toBe(false);
    expect(posted("5", "c_1", "e")).toBe(false);
    shown.asWhat("reset", undefined);
    expect(posted("6", "c_1", "a")).toBe(false);
  });

  test("[R7] before a reset is new after it: what is shown was read anew, perhaps without it", () => {
    const shown = new Shown(3);
    shown.asWhat("message.posted", at("1"));
    expect(shown.asWhat("reset", undefined)).toBe("reset");
    expect(shown.asWhat("message.posted", at("1"))).toBe("message.posted");
  });
});
