/** A range of a server's view and its digest, as servers ask each other for it and operators ask a server. */
import Type from "typebox";
import { DIGEST_KEYS_MAX } from "../core/limits.ts";

/** Longer than any id or name: keys come from the view, which holds what was checked when it was minted. */
const KEY_CHARACTERS_MAX = 400;
const KEY_TEXTS_MAX = 3;
const Key = Type.Array(Type.String({ maxLength: KEY_CHARACTERS_MAX }), {
  minItems: 1,
  maxItems: KEY_TEXTS_MAX,
});
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const RangeAsk = Type.Object({
  table: Type.String({ maxLength: 32, description: "one that a release does not have it refuses" }),
  after: Type.Union([Key, Type.Null()], {
    description: "the range begins behind this key; null for the first row of the table",
  }),
  upTo: Type.Union([Key, Type.Null()], {
    description: "it ends with this key; null for the last row of the table",
  }),
  rowsMax: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  keys: Type.Boolean({ description: `name the rows, at most ${DIGEST_KEYS_MAX}` }),
});

export const RangeDigest = Type.Object({
  rows: Count,
  digest: Type.String({ pattern: "^[0-9a-f]{32}$", description: "sum of the rows' hashes" }),
  end: Type.Union([Key, Type.Null()], {
    description: "the last key that was counted; null: the range was finished",
  }),
  vector: Type.String({ pattern: "^([0-9a-f]{16})?$", description: "of which vector this is" }),
  ops: Count,
  keys: Type.Optional(
    Type.Array(Type.Tuple([Key, Type.String({ pattern: "^[0-9a-f]{16}$" })]), {
      maxItems: DIGEST_KEYS_MAX,
    }),
  ),
});
