/** Inputs that nobody who means well would send: seeded, so that a run can be played again. */

/** Numbers from a seed (mulberry32). */
export class Dice {
  readonly seed: number;
  private state: number;

  constructor(seed = Number(process.env.HOLDFAST_TEST_SEED ?? Date.now() % 2 ** 32)) {
    this.seed = seed;
    this.state = seed >>> 0;
  }

  private next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const LONG = "x".repeat(9_000);
const TEXTS = [
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
const VALUES: unknown[] = [
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

function mangled(dice: Dice, text: string): string {
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
      });
    }
    return made;
  }
  return dice.chance(2) ? dice.pick(TEXTS) : dice.pick(VALUES);
}

type Schema = {
  type?: string;
  const?: unknown;
  anyOf?: Schema[];
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Schema>;
  required?: string[];
};

/** Good values by the name of the member that takes them. */
export type Dictionary = Readonly<Record<string, () => readonly string[]>>;

function valueFor(dice: Dice, name: string, schema: Schema, words: Dictionary): unknown {
  if (dice.chance(12)) return anyValue(dice);
  if (schema.const !== undefined) return schema.const;
  if (schema.anyOf !== undefined) return valueFor(dice, name, dice.pick(schema.anyOf), words);
  switch (schema.type) {
    case "boolean":
      return dice.chance(2);
    case "integer": {
      const { minimum = 0, maximum = 1_000 } = schema;
      const near = [minimum, maximum, minimum - 1, maximum + 1, minimum + dice.below(50)];
      return name === "waitMs" ? dice.pick([0, -1, 1.5]) : dice.pick(near);
    }
    case "string": {
      const good = words[name]?.() ?? [];
      return good.length > 0 && dice.chance(2) ? dice.pick(good) : anyText(dice, good);
    }
    default:
      return anyValue(dice);
  }
}

/** Params that fit a schema, or nearly. */
export function paramsFor(dice: Dice, schema: Schema, words: Dictionary): unknown {
  if (dice.chance(60)) return anyValue(dice);
  const params: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    const needed = schema.required?.includes(name) === true;
    if (needed ? dice.chance(40) : dice.chance(2)) continue;
    params[name] = valueFor(dice, name, member, words);
  }
  if (dice.chance(30)) {
    const key = dice.pick(["__proto__", "constructor", "extra", "", "cursor"]);
    Object.defineProperty(params, key, { value: anyValue(dice), enumerable: true });
  }
  return params;
}

/** JSON text of a request, or something like it. */
export function frameText(dice: Dice, method: string, params: unknown): string {
  const frame = { jsonrpc: "2.0", id: dice.below(1_000_000), method, params };
  const text = JSON.stringify(frame);
  switch (dice.below(14)) {
    case 0:
      return mangled(dice, text);
    case 1:
      return mangled(dice, mangled(dice, text));
    case 2:
      return JSON.stringify({ ...frame, id: anyValue(dice) });
    case 3:
      return JSON.stringify({ ...frame, jsonrpc: anyValue(dice), method: anyValue(dice) });
    case 4:
      return JSON.stringify(anyValue(dice));
    case 5:
      return "[".repeat(dice.below(60_000));
    case 6:
      return `{"a":`.repeat(dice.below(20_000));
    case 7:
      return text.replace('"params":', '"params":{},"params":').replace('"id":', '"id":1,"id":');
    case 8:
      return `[${text},${text}]`;
    case 9:
      return text.replace(/"id":\d+/, '"id":1e400');
    default:
      return text;
  }
}
