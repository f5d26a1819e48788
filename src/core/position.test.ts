import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { mutatedText, place } from "../../test/arbitraries.ts";
import { heavy } from "../../test/heavy.ts";
import { compareText } from "./bytes.ts";
import {
  type Place,
  POSITION_LENGTH_MAX,
  POSITION_START,
  parsePosition,
  positionOf,
} from "./position.ts";
import { compareStamps } from "./stamp.ts";

const runs = { numRuns: heavy(3_000, 300_000) };

/** The total order as DESIGN says it: stamp, origin, seq. */
function compare(a: Place, b: Place): number {
  return compareStamps(a.stamp, b.stamp) || compareText(a.origin, b.origin) || a.seq - b.seq;
}

describe("positions", () => {
  test("the order of the text is the total order, for any names and branches", () => {
    const near = fc
      .tuple(place, place, fc.boolean(), fc.boolean())
      .map(([a, b, sameStamp, sameOrigin]) => {
        return [
          a,
          { ...b, stamp: sameStamp ? a.stamp : b.stamp, origin: sameOrigin ? a.origin : b.origin },
        ] as const;
      });
    fc.assert(
      fc.property(near, ([a, b]) => {
        const [x, y] = [positionOf(a), positionOf(b)];
        expect(compareText(x, y)).toBe(Math.sign(compare(a, b)));
        expect(Math.sign(Buffer.compare(Buffer.from(x), Buffer.from(y)))).toBe(
          Math.sign(compare(a, b)),
        );
        expect(x > POSITION_START).toBe(true);
      }),
      runs,
    );
  });

  test("are read back, within their bound", () => {
    fc.assert(
      fc.property(place, (one) => {
        const text = positionOf(one);
        expect(parsePosition(text)).toEqual(one);
        expect(text.length).toBeLessThanOrEqual(POSITION_LENGTH_MAX);
      }),
      runs,
    );
  });

  test("are read from their one text only", () => {
    fc.assert(
      fc.property(fc.oneof(mutatedText(place.map(positionOf)), fc.string()), (text) => {
        const read = parsePosition(text);
        if (read !== null) expect(positionOf(read) as string).toBe(text);
      }),
      runs,
    );
  });
});
