/** Texts and values that nobody who means well would send. */
import type { Dice } from "./dice.ts";

const LONG = "x".repeat(9_000);
export const TEXTS: readonly string[] = [
  "",
  " ",
  "\0",
  "a",
  "@",
  "#",
  "@@",
  "~",
  "a_",
  "__proto__",
  "constructor",
  "toString",
  "null",
  "-1",
  "0",
  "1e999",
  "NaN",
  "\ud800",
  "\udc00x",
  "\u{1f600}",
  "İıſK",
  "\u202e\u2066",
  "\r\n",
  '"',
  "'; DROP TABLE messages; --",
  '" OR text : "',
  "*",
  "**?*",
  "NEAR(a b)",
  "(",
  "%00",
  "../../etc/passwd",
  "{{7*7}}",
  LONG,
  "\u{1f600}".repeat(8_001),
  "*a".repeat(32),
];
export const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  1e308,
  [],
  [[]],
  {},
  { length: 1 },
  { toString: 1 },
];

export function mangled(dice: Dice, text: string): string {
  const at = dice.below(text.length + 1);
  switch (dice.below(6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + dice.pick(TEXTS).slice(0, 40) + text.slice(at);
    case 2:
      return text.slice(0, at) + String.fromCharCode(dice.below(0x1_0000)) + text.slice(at + 1);
    case 3:
      return text + text;
    case 4:
      return text.toUpperCase();
    default: {
      const other = dice.below(text.length + 1);
      return text.slice(0, Math.min(at, other)) + text.slice(Math.max(at, other));
    }
  }
}

/** A text, hostile or nearly good: one of those given, mangled. */
export function anyText(dice: Dice, good: readonly string[]): string {
  if (good.length > 0 && !dice.chance(4)) {
    const text = dice.pick(good);
    return dice.chance(2) ? text : mangled(dice, text);
  }
  return dice.chance(3) ? mangled(dice, dice.pick(TEXTS)) : dice.pick(TEXTS);
}

export function anyValue(dice: Dice, depth = 3): unknown {
  if (depth > 0 && dice.chance(4)) {
    const size = dice.below(4);
    if (dice.chance(2)) return Array.from({ length: size }, () => anyValue(dice, depth - 1));
    const made = JSON.parse("{}") as Record<string, unknown>;
    for (let i = 0; i < size; i++) {
      const key = dice.pick(TEXTS).slice(0, 30);
      Object.defineProperty(made, key, {
        value: anyValue(dice, depth - 1),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return made;
  }
  return dice.chance(2) ? dice.pick(TEXTS) : dice.pick(VALUES);
}
