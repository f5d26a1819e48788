/** Requests that fit the schema of a method, or nearly. */
import type { Dice } from "./dice.ts";
import { anyText, anyValue, mangled } from "./values.ts";

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
    Object.defineProperty(params, key, { value: anyValue(dice), enumerable: true, writable: true });
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
