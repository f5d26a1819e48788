/** Words for what went wrong: every code, and nothing that only a program understands. */
import { expect, test } from "bun:test";
import { HoldfastError, type OutboxEntry } from "../../client/index.ts";
import { REFUSAL_CODES } from "../../core/errors.ts";
import { reasonOf, textOf, textOfEntry } from "./errors.ts";

test("every code has words, as a sentence", () => {
  for (const code of REFUSAL_CODES) {
    const text = textOf(new HoldfastError(code, "`name` does not fit"));
    expect(text).toMatch(/^[A-Z].*\.$/);
    expect(text).not.toContain(code);
    expect(text).not.toContain("`");
  }
});

test("what the server knows better is said in its words, without ids", () => {
  const id = `c_${"A".repeat(22)}`;
  expect(textOf(new HoldfastError("forbidden", `you own ${id}: hand it over first`))).toBe(
    "You own this conversation: hand it over first.",
  );
  expect(textOf(new HoldfastError("invalid", `there is no account a_${"b".repeat(22)}`))).toBe(
    "There is no account this account.",
  );
});

test("when to try again is said where it is known", () => {
  const limited = (retryAfterMs?: number) =>
    textOf(new HoldfastError("rate_limited", "x", { retryAfterMs }));
  expect(limited()).toBe("That was too much at once. Try again in a moment.");
  expect(limited(29_100)).toBe("That was too much at once. Try again in 30 seconds.");
  expect(limited(240_000)).toBe("That was too much at once. Try again in 4 minutes.");
  expect(textOf(new HoldfastError("unavailable", "x"))).toBe(
    "Not connected. Try again when the connection is back.",
  );
  expect(textOf(new HoldfastError("unavailable", "x", { retryAfterMs: 5_000 }))).toContain(
    "in 5 seconds",
  );
});

test("a defect of the page is said as one, and an entry's error as what it is", () => {
  expect(textOf(new TypeError("x is not a function"))).toContain("Reload it");
  expect(textOf(undefined)).toContain("Reload it");
  expect(textOf({ code: "nonsense", message: "x" })).toContain("Reload it");
  expect(textOf({ code: "name_taken", message: "x" })).toBe(
    "This name is taken. Choose another one.",
  );
});

test("an outbox entry says what it waits for, and promises only what is true", () => {
  const entry = (state: OutboxEntry["state"], code?: "forbidden" | "indefinite"): OutboxEntry => ({
    id: "1",
    to: "#ops",
    text: "x",
    at: 0,
    state,
    ...(code === undefined ? {} : { error: { code, message: "you are not in #ops" } }),
  });
  expect(textOfEntry(entry("waiting"), false)).toBe("Will be sent when the connection is back");
  expect(textOfEntry(entry("waiting"), true)).toBe("Waiting to be sent");
  expect(textOfEntry(entry("failed", "forbidden"), true)).toBe("Not sent. You are not in #ops.");
  expect(textOfEntry(entry("failed", "indefinite"), true)).toContain("not be there twice");
});

test("why one was signed out", () => {
  expect(reasonOf("session_ended", "the password was changed")).toContain("password was changed");
  expect(reasonOf("session_ended", "this session is over: the account was disabled")).toContain(
    "Ask an administrator",
  );
  expect(reasonOf("unauthorized", "this token is not known here")).toContain("no longer signed in");
});
