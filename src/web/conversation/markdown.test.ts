import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Block, type Inline, isEmojiOnly, parseMarkdown, textOf } from "./markdown.ts";

/** A tree as one line: `<strong ...>` and so on. */
const shown = (text: string) => parseMarkdown(text).map(block).join("|");

function block(one: Block): string {
  switch (one.is) {
    case "paragraph":
      return inline(one.inlines);
    case "code":
      return `<pre ${one.language}:${one.text}>`;
    case "quote":
      return `<quote ${one.blocks.map(block).join("|")}>`;
    case "list":
      return `<list ${one.items
        .map(({ level, number, inlines }) => `${level}${number ?? "-"}:${inline(inlines)}`)
        .join(";")}>`;
  }
}

function inline(all: readonly Inline[]): string {
  return all
    .map((one) => {
      if (one.is === "text") return one.text;
      if ("inlines" in one) return `<${one.is} ${inline(one.inlines)}>`;
      if ("name" in one) return `<${one.is} ${one.name}>`;
      return one.is === "link" ? `<link ${one.text} ${one.url}>` : `<code ${one.text}>`;
    })
    .join("");
}

describe("emphasis", () => {
  for (const [text, tree] of [
    ["a *b c* d", "a <emphasis b c> d"],
    ["_b_, **c** ~~d~~!", "<emphasis b>, <strong c> <strike d>!"],
    ["**a *b* c**", "<strong a <emphasis b> c>"],
    ["*a **b***", "*a **b***"],
    ["2*3*4 snake_case_name a_b_", "2*3*4 snake_case_name a_b_"],
    ["* a * and ** b **", "<list 0-:a * and ** b **>"],
    ["x * a * b", "x * a * b"],
    ["*a\nb*", "*a\nb*"],
    ["*a **b* c**", "<emphasis a **b> c**"],
    ["*a *b*", "*a <emphasis b>"],
    ["__init__ and ***x*** ~ ~~~", "__init__ and ***x*** ~ ~~~"],
    ["**重要**です", "<strong 重要>です"],
    ["*重要*です", "<emphasis 重要>です"],
    ['(*a*) "_b_"', '(<emphasis a>) "<emphasis b>"'],
    ["**** ** **", "**** ** **"],
    ["*a", "*a"],
    ["_*_", "<emphasis *>"],
  ]) {
    test(text as string, () => expect(shown(text as string)).toBe(tree as string));
  }
});

describe("code", () => {
  for (const [text, tree] of [
    ["run `a *b*` now", "run <code a *b*> now"],
    ["``a ` b`` `` ` ``", "<code a ` b> <code `>"],
    ["`a", "`a"],
    ["`a\nb`", "`a\nb`"],
    ["```ts\nconst a = 1;\n\nb();\n```", "<pre ts:const a = 1;\n\nb();>"],
    ["see\n```\n> *a*\n```\nthere", "see|<pre :> *a*>|there"],
    ["```one line```", "<code one line>"],
    ["```first line\nlast```", "<pre :first line\nlast>"],
    ["```\nnever closed", "```\nnever closed"],
    ["```\na\n```\n```", "<pre :a>|```"],
  ]) {
    test(text as string, () => expect(shown(text as string)).toBe(tree as string));
  }
});

describe("blocks", () => {
  for (const [text, tree] of [
    ["a\nb\n\n\nc", "a\nb|c"],
    ["> a\n> *b*\nc", "<quote a\n<emphasis b>>|c"],
    ["> > a", "<quote > a>"],
    [">_< and >3", ">_< and >3"],
    [">", "<quote >"],
    ["- a\n- b\n  more\n  - c", "<list 0-:a;0-:b\nmore;1-:c>"],
    ["1. a\n3) b", "<list 01:a;03:b>"],
    ["2024. A year", "2024. A year"],
    ["-a\n--\n- ", "-a\n--\n- "],
    ["say:\n- a", "say:|<list 0-:a>"],
    ["> - a\n> ```\n> x\n> ```", "<quote <list 0-:a>|<pre :x>>"],
    ["   ", ""],
  ]) {
    test(text as string, () => expect(shown(text as string)).toBe(tree as string));
  }
});

describe("links", () => {
  const link = (text: string) => {
    const found: string[] = [];
    const visit = (all: readonly Inline[]) => {
      for (const one of all) {
        if (one.is === "link") found.push(one.text);
        else if ("inlines" in one) visit(one.inlines);
      }
    };
    for (const one of parseMarkdown(text)) if (one.is === "paragraph") visit(one.inlines);
    return found;
  };
  for (const [text, ...links] of [
    ["see https://a.example/b?c=d#e.", "https://a.example/b?c=d#e"],
    ["(http://a.example/x_(y)) or http://b.example!", "http://a.example/x_(y)", "http://b.example"],
    ["<https://a.example>", "https://a.example"],
    ["*https://a.example/x*", "https://a.example/x"],
    ["https://a.example/x*", "https://a.example/x*"],
    ["[bank](https://evil.example/)", "https://evil.example/"],
    ["HTTPS://A.example/", "HTTPS://A.example/"],
    ["javascript:alert(1) data:text/html,x file:///etc ftp://a.example xhttp://a.example"],
    ["http:// http:/// https://. https://:80 http://[ http://%"],
    ["https://good.example@evil.example/ https://a:b@evil.example"],
    ["http://192.168.0.4:7300/#/c/x, and", "http://192.168.0.4:7300/#/c/x"],
    ["https://a.example/\u202egpj.exe", "https://a.example/"],
  ] as string[][]) {
    test(text as string, () => expect(link(text as string)).toEqual(links));
  }
  test("say where they really go", () => {
    expect(shown("http://bücher.example/ä")).toBe(
      "<link http://bücher.example/ä http://xn--bcher-kva.example/%C3%A4>",
    );
    expect(shown("https://аpple.com")).toBe("<link https://аpple.com https://xn--pple-43d.com/>");
  });
});

describe("names", () => {
  for (const [text, tree] of [
    ["hi @bob, @Ann.Lee. and @bob~3f!", "hi <person bob>, <person Ann.Lee>. and <person bob~3f>!"],
    ["in #ops-2: see #12 and #", "in <channel ops-2>: see #12 and #"],
    ["me@bob.example a#b /#c ##d @@e", "me@bob.example a#b /#c ##d @@e"],
    ["*@bob* _@a_b_", "<emphasis <person bob>> <emphasis <person a_b>>"],
    ["@bobé", "@bobé"],
    [`@${"a".repeat(33)}`, `@${"a".repeat(33)}`],
    ["(#ops)", "(<channel ops>)"],
    ["`@bob`", "<code @bob>"],
  ]) {
    test(text as string, () => expect(shown(text as string)).toBe(tree as string));
  }
});

test("a few emoji are a message of emoji", () => {
  for (const text of ["👍", "👩‍👩‍👧 🇩🇪", "1️⃣", "❤️", "👋🏽👋🏽"])
    expect(isEmojiOnly(text), text).toBe(true);
  for (const text of ["", " ", "12", "a👍", "👍".repeat(30), "#", "*"]) {
    expect(isEmojiOnly(text), text).toBe(false);
  }
});

const marks = fc.constantFrom(
  ..."`*_~>-#@.()[]{}<>\"'\\/:!? \t".split(""),
  ...["\n", "\r\n", "```", "**", "~~", "> ", "- ", "1. ", "https://a.b/", "@bob", "#ops", "\n\n"],
  ...["a", "B", "7", "é", "字", "א", "\u202e", "\u2066", "😀", "\ud83d", "\ude00", "\u0000"],
);
const hostile = fc.array(marks, { maxLength: 200 }).map((parts) => parts.join(""));
/** What is never part of a mark. */
const kept = (text: string) => text.replace(/[\s`*_~>•().-]/g, "");

test("whatever comes in, no letter is lost, doubled or moved", () => {
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string({ unit: "binary", maxLength: 200 })), (text) => {
      expect(kept(textOf(parseMarkdown(text)))).toBe(kept(text));
    }),
    { numRuns: 3_000 },
  );
});

test("whatever comes in, links are of the web and written as they were typed", () => {
  const visit = (all: readonly Inline[], text: string): void => {
    for (const one of all) {
      if ("inlines" in one) visit(one.inlines, text);
      if (one.is !== "link") continue;
      expect(one.url).toMatch(/^https?:\/\/[^/@]+(?:\/|$)/);
      expect(text).toContain(one.text);
      expect(new URL(one.text).href).toBe(one.url);
    }
  };
  fc.assert(
    fc.property(fc.oneof(hostile, fc.webUrl({ withQueryParameters: true })), (text) => {
      for (const one of parseMarkdown(text)) if ("inlines" in one) visit(one.inlines, text);
    }),
    { numRuns: 2_000 },
  );
});

/** How much text its methods look at, which is what the time goes into, whatever machine this runs on. */
function work(text: string): number {
  const methods = ["indexOf", "slice", "trim", "trimEnd", "startsWith", "endsWith"] as const;
  const prototype = String.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
  const own = methods.map((name) => prototype[name] as (...args: unknown[]) => unknown);
  let steps = 0;
  methods.forEach((name, i) => {
    prototype[name] = function (this: string, ...args) {
      const answer = (own[i] as (...args: unknown[]) => unknown).apply(this, args);
      const from = typeof args[1] === "number" ? args[1] : 0;
      if (name === "indexOf")
        steps += ((answer as number) < 0 ? this.length : +(answer as number)) - from;
      else steps += typeof answer === "string" ? answer.length : 1;
      steps++;
      return answer;
    };
  });
  try {
    parseMarkdown(text);
  } finally {
    methods.forEach((name, i) => {
      prototype[name] = own[i] as (...args: unknown[]) => unknown;
    });
  }
  return steps;
}

test("twice the text is at most about twice the work", () => {
  const units = ["`", "` `` ", "*a ", "*a *", "**a ", "_a*b~~c ", "a*", "*_~~**", "(", "@a", "#a"];
  units.push("> ", "- ", "1. a\n", "```\n", "``` ", "```x\n", "```x y\n", "> ```\n", "> ```x y\n");
  units.push("h ", "xhttp://a.b ", "https://", "https://a.b/)", "https://a.b/(");
  for (const unit of units) {
    const once = work(unit.repeat(2_000));
    const twice = work(unit.repeat(4_000));
    expect(twice, unit).toBeLessThan(once * 2.5 + 1_000);
  }
});
