/**
 * The engine of all hostile input: good or once-interesting inputs, changed.
 *
 * Problem: random input dies at a decoder's first check. Approach: start from what decoders take, and change a
 * little of it, in the terms of its form: bytes (bits flipped, cut, spliced with another input, numbers at their
 * limits), text (the same, and runs, nesting, odd characters), JSON (wrong types, members gone, twice or
 * unheard-of, limits, depth, length). Rejected: coverage guided by instrumentation (the runtime has none that a
 * test can read); fast-check (ten times slower for the same inputs; it shrinks, but these inputs are small).
 */
import type { Dice } from "./dice.ts";
import { anyValue, TEXTS, VALUES } from "./values.ts";

/** Where programs go wrong: signs, widths, the end of exactness. */
const LIMITS: readonly number[] = [
  0,
  1,
  2,
  7,
  8,
  15,
  16,
  31,
  32,
  63,
  64,
  127,
  128,
  255,
  256,
  4_095,
  4_096,
  8_000,
  8_001,
  32_767,
  32_768,
  65_535,
  65_536,
  131_071,
  131_072,
  131_073,
  2 ** 21,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 48,
  2 ** 53 - 1,
  2 ** 53,
  -1,
  -128,
  -32_768,
  -(2 ** 31),
  0.5,
  1e21,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
];
const BYTES: readonly number[] = [0, 1, 2, 0x20, 0x7f, 0x80, 0xc0, 0xed, 0xfe, 0xff];
const LONG = 200;
/** No larger than this, but where an input is one by being long. */
const BYTES_MAX = 16_384;
/** A change of a change may grow without end. */
const JSON_CHARACTERS_MAX = 65_536;
/** So many changes at once at the most. */
const CHANGES_MAX = 4;

/** One mostly, sometimes more: two faults may hide each other. */
function changes(dice: Dice): number {
  return dice.chance(2) ? 1 : 1 + dice.below(CHANGES_MAX);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

function changedBytes(dice: Dice, bytes: Uint8Array<ArrayBuffer>, other: Uint8Array) {
  const at = dice.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + dice.below(dice.chance(4) ? bytes.length + 1 : 8));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (dice.below(10)) {
    case 0:
      if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << dice.below(8));
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = dice.chance(2) ? dice.pick(BYTES) : dice.below(256);
      return bytes;
    case 2:
      return bytes.slice(0, at);
    case 3:
      return joined(bytes.subarray(0, at), bytes.subarray(to));
    case 4:
      return joined(bytes.subarray(0, to), bytes.subarray(at));
    case 5:
      return joined(bytes.subarray(0, at), Uint8Array.of(dice.pick(BYTES)), bytes.subarray(at));
    case 6:
      return joined(bytes.subarray(0, at), other.subarray(dice.below(other.length + 1)));
    case 7:
      if (at + 4 <= bytes.length) view.setUint32(at, dice.pick(LIMITS), dice.chance(2));
      return bytes;
    case 8:
      if (at + 8 <= bytes.length) view.setFloat64(at, dice.pick(LIMITS), true);
      return bytes;
    default: {
      const run = new Uint8Array(dice.below(LONG)).fill(dice.pick(BYTES));
      return joined(bytes.subarray(0, at), run, bytes.subarray(at));
    }
  }
}

export function mutateBytes(
  dice: Dice,
  good: Uint8Array,
  other: Uint8Array,
): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(good);
  for (let left = changes(dice); left > 0; left--) bytes = changedBytes(dice, bytes, other);
  return bytes.length > BYTES_MAX ? bytes.slice(0, BYTES_MAX) : bytes;
}

function changedText(dice: Dice, text: string, other: string): string {
  const at = dice.below(text.length + 1);
  const to = at + 1 + dice.below(dice.chance(4) ? text.length + 1 : 8);
  const [before, behind] = [text.slice(0, at), text.slice(at)];
  switch (dice.below(10)) {
    case 0:
      return (
        before +
        String.fromCharCode(dice.below(dice.chance(2) ? 128 : 0x1_0000)) +
        text.slice(at + 1)
      );
    case 1:
      return before;
    case 2:
      return before + text.slice(to);
    case 3:
      return text.slice(0, to) + behind;
    case 4:
      return before + dice.pick(TEXTS).slice(0, 40) + behind;
    case 5:
      return before + other.slice(dice.below(other.length + 1));
    case 6: {
      const number = /\d+/g;
      number.lastIndex = at;
      const found = number.exec(text);
      if (found === null) return text + dice.pick(LIMITS);
      const end = found.index + found[0].length;
      return text.slice(0, found.index) + dice.pick(LIMITS) + text.slice(end);
    }
    case 7:
      return before + text.slice(at, at + 1).repeat(dice.below(LONG)) + behind;
    case 8:
      return dice.chance(2) ? text.toUpperCase() : ` ${text}\n`;
    default:
      return (
        before +
        dice.pick(["\0", "\n", "\r\n", "~", "!", ":", ",", "/", "=", '"', "{", "["]) +
        behind
      );
  }
}

export function mutateText(dice: Dice, good: string, other: string): string {
  let text = good;
  for (let left = changes(dice); left > 0; left--) text = changedText(dice, text, other);
  return text.length > BYTES_MAX ? text.slice(0, BYTES_MAX) : text;
}

type Holder = Record<string | number, unknown>;

/** Every place of a value, by what holds it. */
function places(value: unknown, found: [Holder, string | number][] = []) {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    found.push([value as Holder, key]);
    places((value as Holder)[key], found);
  }
  return found;
}

/** Whatever the member is called; never what others hold, too. */
function put(holder: Holder, key: string | number, value: unknown): void {
  const own = typeof value === "object" ? structuredClone(value) : value;
  const how = { value: own, enumerable: true, configurable: true, writable: true };
  Object.defineProperty(holder, key, how);
}

function nested(dice: Dice): unknown {
  let value: unknown = dice.pick(VALUES);
  for (let depth = dice.below(LONG); depth > 0; depth--)
    value = dice.chance(2) ? [value] : { a: value };
  return value;
}

function changePlace(dice: Dice, root: Holder, other: unknown): void {
  const all = places(root);
  if (all.length === 0) return;
  const [holder, key] = dice.pick(all);
  const value = holder[key];
  const isList = Array.isArray(holder);
  switch (dice.below(10)) {
    case 0:
      put(holder, key, dice.pick(VALUES));
      return;
    case 1:
      put(holder, key, anyValue(dice, 2));
      return;
    case 2:
      if (isList) holder.splice(Number(key), 1);
      else delete holder[key];
      return;
    case 3:
      put(holder, key, dice.pick(LIMITS));
      return;
    case 4:
      put(
        holder,
        key,
        dice.chance(2) ? dice.pick(TEXTS) : "x".repeat(dice.pick([33, 65, 400, 401, 4_097])),
      );
      return;
    case 5: {
      const [from, at] = dice.pick(places([other]));
      put(holder, key, from[at]);
      return;
    }
    case 6:
      if (typeof value === "string") put(holder, key, mutateText(dice, value, ""));
      else put(holder, key, [value]);
      return;
    case 7:
      if (isList) {
        const copies = typeof value === "object" ? 2 : dice.pick([1, 8, 600]);
        for (let more = copies; more > 0; more--) holder.push(value);
      } else put(holder, dice.pick(TEXTS).slice(0, 30), anyValue(dice, 1));
      return;
    case 8:
      put(holder, key, nested(dice));
      return;
    default: {
      const [from, at] = dice.pick(all);
      if (dice.chance(8)) put(holder, "__proto__", value);
      else put(holder, key, from[at]);
    }
  }
}

/** A member named twice: parsers take the last, checks may see the first. */
function doubled(dice: Dice, text: string): string {
  const members = [...text.matchAll(/"([\w.]+)":/g)];
  if (members.length === 0) return text;
  const { index, 0: name } = dice.pick(members) as RegExpExecArray;
  const before = dice.chance(2);
  const junk = JSON.stringify(dice.pick(VALUES));
  if (before) return `${text.slice(0, index)}${name}${junk},${text.slice(index)}`;
  const end = text.lastIndexOf("}");
  return end < 0 ? text : `${text.slice(0, end)},${name}${junk}${text.slice(end)}`;
}

/** JSON that is changed as a value mostly, and as a text sometimes. */
export function mutateJson(dice: Dice, good: string, other: string): string {
  if (dice.chance(8)) return mutateText(dice, good, other);
  if (dice.chance(200)) return dice.pick(["[", '{"a":', '[{"a":']).repeat(dice.below(20_000));
  const holder = [parsed(good)];
  const donor = parsed(other);
  for (let left = changes(dice); left > 0; left--)
    changePlace(dice, holder as unknown as Holder, donor);
  const whole = JSON.stringify(holder[0]) ?? "null";
  const text = whole.length > JSON_CHARACTERS_MAX ? "{}" : whole;
  return dice.chance(10) ? doubled(dice, text) : text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
