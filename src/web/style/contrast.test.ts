/**
 * Every text colour on every ground that it can come to stand on, by the formula of WCAG 2.2.
 *
 * Problem: axe sees what is drawn at that moment; a row is lit only while a pointer happens to be over it. Approach: the
 * colours are few and all in tokens.css, so all pairs are computed here, in both themes.
 */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";

const sheet = (name: string): string => readFileSync(`${import.meta.dir}/${name}`, "utf8");
const NAMES = readdirSync(import.meta.dir).filter((name) => name.endsWith(".css"));

type Colours = ReadonlyMap<string, string>;

/** The colours set by the block that follows `start`. */
function coloursAfter(start: string): Colours {
  const tokens = sheet("tokens.css");
  const from = tokens.indexOf(start);
  expect(from, start).toBeGreaterThan(-1);
  const block = tokens.slice(from, tokens.indexOf("}", from));
  return new Map(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = "", colour = ""]) => [
      name,
      colour,
    ]),
  );
}

const light = coloursAfter(":root {");
const dark = coloursAfter(':root[data-theme="dark"] {');
const THEMES = Object.entries({ light, dark });

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(colours: Colours, one: string, other: string): number {
  const [darker = 0, lighter = 0] = [one, other]
    .map((name) => {
      const colour = colours.get(name);
      if (colour === undefined) throw new Error(`tokens.css has no --${name}`);
      return luminance(colour);
    })
    .sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

/** All pairs of the theme that have less than `least`. */
function weak(colours: Colours, fronts: string[], grounds: string[], least: number): string[] {
  return fronts
    .flatMap((front) => grounds.map((ground) => ({ front, ground })))
    .map((pair) => ({ ...pair, ratio: contrast(colours, pair.front, pair.ground) }))
    .filter(({ ratio }) => ratio < least)
    .map(({ front, ground, ratio }) => `${front} on ${ground}: ${ratio.toFixed(2)}`);
}

const TEXTS = ["text", "text-2", "text-3", "accent-text", "danger", "warn", "good"];
/** The last three say something of their own; what lights up under a pointer is surface-2. */
const GROUNDS = ["ground", "surface", "surface-2", "accent-soft", "warn-soft", "danger-soft"];

for (const [theme, colours] of THEMES) {
  test(`text is legible on whatever may be behind it: ${theme}`, () => {
    expect(weak(colours, TEXTS, GROUNDS, 4.5)).toEqual([]);
  });

  test(`what stands on strong colours is legible, and controls are seen: ${theme}`, () => {
    expect(weak(colours, ["on-accent"], ["accent"], 4.5)).toEqual([]);
    expect(weak(colours, ["on-danger"], ["danger"], 4.5)).toEqual([]);
    expect(weak(colours, ["ground"], ["text-2"], 4.5), "the badge of a row").toEqual([]);
    const seen = ["line-strong", "focus", "accent", "good", "warn", "danger"];
    expect(weak(colours, seen, ["ground", "surface", "surface-2"], 3)).toEqual([]);
  });
}

test("who follows a dark system sees the same as who chose dark", () => {
  expect(dark.size).toBeGreaterThan(15);
  expect(coloursAfter(':root:not([data-theme="light"]) {')).toEqual(dark);
});

test("no colour fades: what is half way between two has the contrast of neither", () => {
  for (const name of NAMES) {
    const css = sheet(name);
    for (const [, what = ""] of css.matchAll(/\btransition(?:-property)?:\s*([^;]*);/g)) {
      expect(what, name).toMatch(/^translate /);
    }
    for (const [, what = ""] of css.matchAll(/\banimation:\s*([^;]*);/g)) {
      // Turning, and the word that appears when a start takes long.
      expect(what, name).toMatch(/^(turn|appear) /);
    }
  }
});

test("whoever wants no motion sees none", () => {
  for (const name of NAMES) {
    // What stands in such a block is indented by four or more.
    for (const line of sheet(name)
      .split("\n")
      .filter((line) => /^ {0,3}\b(transition|scroll-behavior|animation)/.test(line))) {
      expect(line.trim(), name).toMatch(/^animation: appear 0s /); // there at once, a moment later
    }
  }
});

test("colours are in tokens.css only", () => {
  for (const name of NAMES.filter((name) => name !== "tokens.css")) {
    expect(sheet(name).match(/#[0-9a-f]{3,8}\b(?=[^{]*;)|\brgb\(/gi) ?? [], name).toEqual([]);
  }
});
