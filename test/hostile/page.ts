/** Decoders of the page: texts of others that it lays out, what is typed, and the address in its bar. */
import { parseMarkdown } from "../../src/web/conversation/markdown.ts";
import { parseTyped } from "../../src/web/conversation/typed.ts";
import { parseHash } from "../../src/web/state/place.ts";
import { asText, type Decoder } from "./fuzz.ts";

const markdown: Decoder = {
  name: "texts that the page lays out",
  of: ["src/web/conversation/markdown.ts parseMarkdown"],
  form: "text",
  cost: 2,
  good: () => [
    "**bold** _it_ ~~no~~ `code` https://a.example/x?y=(z).",
    "```ts\ncode\n```\n> quote\n> > more\n\n- a\n  - b\n1. c",
    "*a **b _c ~~d `e",
  ],
  outcomes: ["taken", "nothing"],
  decode(input) {
    const blocks = parseMarkdown(asText(input));
    for (const url of JSON.stringify(blocks).matchAll(/"(?:href|url)":"([^"]*)"/g)) {
      if (!/^https?:/.test(url[1] as string)) throw new Error(`a link to ${url[1]}`);
    }
    return blocks.length === 0 ? "nothing" : "taken";
  },
};

const typed: Decoder = {
  name: "lines typed into the page",
  of: ["src/web/conversation/typed.ts parseTyped"],
  form: "text",
  good: () => ["hello", "/msg @bob hi", "//x", "/help", "EXIT"],
  outcomes: ["taken", "wrong"],
  decode(input) {
    const { is } = parseTyped(asText(input));
    return is === "wrong" ? "wrong" : `taken: ${is}`;
  },
};

const hashes: Decoder = {
  name: "addresses within the page",
  of: ["src/web/state/place.ts parseHash"],
  form: "text",
  good: () => [
    "#/c/c_x/at/06h02d5jg0000",
    "#@bob",
    "#/c/%23ops",
    "#/search?q=a%20b",
    "#/settings/devices",
  ],
  outcomes: ["taken"],
  decode(input) {
    const said = parseHash(asText(input));
    return "place" in said ? `taken: ${said.place.is}` : "taken: name";
  },
};

export const pageDecoders: readonly Decoder[] = [markdown, typed, hashes];
