/**
 * Message text as a small tree.
 *
 * Problem: people write code, emphasis, quotes, lists, links and names; whoever wrote it may be hostile. Approach:
 * one pass over the lines, one pass over each line's characters; of each mark at most one is open at a time, so the
 * depth is bounded and every character is moved a bounded number of times: linear, whatever comes in. The tree holds
 * text only, and links only with an http(s) address that is shown as it was typed. Rejected: a Markdown library (HTML,
 * `[text](address)` and images are what must not be), regular expressions over the whole text (backtracking).
 */

export type Inline =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "code"; readonly text: string }
  | { readonly is: Style; readonly inlines: readonly Inline[] }
  /** `text` as typed, `url` where it really goes. */
  | { readonly is: "link"; readonly text: string; readonly url: string }
  /** `name` without its mark, as typed. */
  | { readonly is: "person" | "channel"; readonly name: string };

export type Style = "strong" | "emphasis" | "strike";

export type ListItem = {
  /** As typed, without the dot; none in a list of points. */
  readonly number?: string;
  /** How far it is indented, 0 to 3. */
  readonly level: number;
  readonly inlines: readonly Inline[];
};

export type Block =
  | { readonly is: "paragraph"; readonly inlines: readonly Inline[] }
  | { readonly is: "code"; readonly language: string; readonly text: string }
  | { readonly is: "quote"; readonly blocks: readonly Block[] }
  | { readonly is: "list"; readonly items: readonly ListItem[] };

const FENCE = "```";
const LANGUAGE = /^[A-Za-z0-9+#._-]{0,20}$/;
const ITEM = /^( {0,8})(?:[-*•]|(\d{1,3})[.)]) +(?=\S)/;
const CONTINUED = /^ {2,}\S/;

/** Never throws, whatever the text. */
export function parseMarkdown(text: string): readonly Block[] {
  return parseBlocks(text.replace(/\r\n?/g, "\n").split("\n"), true);
}

function parseBlocks(lines: readonly string[], quotes: boolean): Block[] {
  const blocks: Block[] = [];
  const lastFence = lines.findLastIndex((line) => line.trimEnd().endsWith(FENCE));
  let paragraph: string[] = [];
  const endParagraph = () => {
    if (paragraph.length > 0) blocks.push(paragraphOf(paragraph));
    paragraph = [];
  };
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] as string;
    const found =
      (at < lastFence ? fence(lines, at) : undefined) ??
      (quotes ? quote(lines, at) : undefined) ??
      list(lines, at);
    if (found !== undefined) {
      endParagraph();
      blocks.push(found.block);
      at = found.next;
      continue;
    }
    if (line.trim() === "") endParagraph();
    else paragraph.push(line);
    at++;
  }
  endParagraph();
  return blocks;
}

const paragraphOf = (lines: readonly string[]): Block => ({
  is: "paragraph",
  inlines: parseInlines(lines),
});

type Found = { readonly block: Block; readonly next: number };

/** From a line that begins with ``` to one that ends with it. There is such a one, or the caller does not ask. */
function fence(lines: readonly string[], from: number): Found | undefined {
  const first = (lines[from] as string).trim();
  if (!first.startsWith(FENCE)) return undefined;
  const rest = first.slice(FENCE.length);
  if (rest.includes("`")) return undefined;
  const isLanguage = LANGUAGE.test(rest);
  const code = isLanguage ? [] : [rest];
  let at = from + 1;
  for (; at < lines.length; at++) {
    const line = (lines[at] as string).trimEnd();
    if (line.endsWith(FENCE)) {
      const last = line.slice(0, -FENCE.length);
      if (last.trim() !== "") code.push(last);
      break;
    }
    code.push(lines[at] as string);
  }
  const block = { is: "code", language: isLanguage ? rest : "", text: code.join("\n") } as const;
  return { block, next: at + 1 };
}

const isQuoted = (line: string | undefined) => line === ">" || line?.startsWith("> ") === true;

function quote(lines: readonly string[], from: number): Found | undefined {
  let at = from;
  const inner: string[] = [];
  for (; isQuoted(lines[at]); at++) inner.push((lines[at] as string).slice(2));
  if (inner.length === 0) return undefined;
  return { block: { is: "quote", blocks: parseBlocks(inner, false) }, next: at };
}

function list(lines: readonly string[], from: number): Found | undefined {
  const items: ListItem[] = [];
  let at = from;
  for (;;) {
    const line = lines[at] ?? "";
    const mark = ITEM.exec(line);
    if (mark === null) break;
    const own = [line.slice(mark[0].length)];
    at++;
    while (CONTINUED.test(lines[at] ?? "") && !ITEM.test(lines[at] as string)) {
      own.push((lines[at] as string).trimStart());
      at++;
    }
    const level = Math.min(3, (mark[1] as string).length >> 1);
    const inlines = parseInlines(own);
    items.push(mark[2] === undefined ? { level, inlines } : { number: mark[2], level, inlines });
  }
  return items.length === 0 ? undefined : { block: { is: "list", items }, next: at };
}

// Inside of a block.

const MARKS = { "**": "strong", "*": "emphasis", _: "emphasis", "~~": "strike" } as const;
type Mark = keyof typeof MARKS;
/** What is between an opening mark and here. The bottom of the stack has none. */
type Frame = { readonly mark: Mark | undefined; readonly inlines: Inline[] };

const URL_START = /^https?:\/\/(?=[^\s/])/i;
const URL_END =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an address holds none of them
  /[\s<>"`\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const CLOSING: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };
const NAME = /[A-Za-z0-9][A-Za-z0-9._-]{0,31}(?:~[0-9a-f]{2,8})?/y;
/** Letters of scripts that put spaces between words: a mark inside of a word is no mark. */
const WORD =
  /^(?![\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmr}])[\p{L}\p{N}]/u;

const isWord = (character: string) => WORD.test(character);
const isBlank = (character: string) => character === "" || /^\s/.test(character);

/** No mark reaches over the end of a line. */
function parseInlines(lines: readonly string[]): readonly Inline[] {
  const out: Inline[] = [];
  lines.forEach((line, i) => {
    if (i > 0) append(out, { is: "text", text: "\n" });
    for (const inline of new LineParser(line).parse()) append(out, inline);
  });
  return out;
}

class LineParser {
  readonly #line: string;
  readonly #frames: Frame[] = [{ mark: undefined, inlines: [] }];
  #at = 0;
  /** Where the text that is no mark begins. */
  #from = 0;

  constructor(line: string) {
    this.#line = line;
  }

  parse(): readonly Inline[] {
    while (this.#at < this.#line.length) this.#step();
    this.#flush(this.#at);
    this.#collapse(0);
    return this.#top.inlines;
  }

  get #top(): Frame {
    return this.#frames.at(-1) as Frame;
  }

  #step(): void {
    const character = this.#line[this.#at] as string;
    if (character === "`") this.#code();
    else if (character === "*" || character === "_" || character === "~") this.#mark(character);
    else if (character === "h" || character === "H") this.#link();
    else if (character === "@" || character === "#") this.#name(character);
    else this.#at++;
  }

  /** The whole character before or after a place; empty at the ends. */
  #before(at: number): string {
    const low = this.#line.charCodeAt(at - 1);
    const isLow = low >= 0xdc00 && low <= 0xdfff;
    return this.#line.slice(Math.max(0, at - (isLow ? 2 : 1)), at);
  }

  #after(at: number): string {
    const point = this.#line.codePointAt(at);
    return point === undefined ? "" : String.fromCodePoint(point);
  }

  /** The text up to `end` that was no mark. */
  #flush(end: number): void {
    if (end > this.#from) {
      append(this.#top.inlines, { is: "text", text: this.#line.slice(this.#from, end) });
    }
    this.#from = end;
  }

  #take(inline: Inline, end: number): void {
    this.#flush(this.#at);
    append(this.#top.inlines, inline);
    this.#at = end;
    this.#from = end;
  }

  #run(character: string): number {
    let end = this.#at;
    while (this.#line[end] === character) end++;
    return end - this.#at;
  }

  #code(): void {
    const length = this.#run("`");
    // Only the last run of a length looks for its closing one in vain: three lengths, three such searches.
    const end = length > 3 ? -1 : this.#closing(length);
    if (end < 0) {
      this.#at += length;
      return;
    }
    const inner = this.#line.slice(this.#at + length, end);
    // As in Markdown: `` ` `` is a backtick.
    const padded = inner.startsWith(" ") && inner.endsWith(" ") && inner.trim() !== "";
    this.#take({ is: "code", text: padded ? inner.slice(1, -1) : inner }, end + length);
  }

  /** Where the next run of exactly so many backticks begins, or -1. */
  #closing(length: number): number {
    const line = this.#line;
    let at = line.indexOf("`", this.#at + length);
    while (at >= 0) {
      let end = at;
      while (line[end] === "`") end++;
      if (end - at === length) return at;
      at = line.indexOf("`", end);
    }
    return -1;
  }

  #mark(character: "*" | "_" | "~"): void {
    const length = this.#run(character);
    const mark = length === 1 ? character : character + character;
    if (length > 2 || !Object.hasOwn(MARKS, mark)) {
      this.#at += length;
      return;
    }
    const before = this.#before(this.#at);
    const after = this.#after(this.#at + length);
    // Two characters are rarely anything but a mark, one often is: 2*3*4, snake_case.
    const loose = length === 2;
    const closes = !isBlank(before) && (loose || !isWord(after));
    const opens = !isBlank(after) && (loose || !isWord(before));
    const open = this.#frames.findIndex((frame) => frame.mark === mark);
    const isEmpty = this.#top.mark === mark && this.#top.inlines.length === 0;
    if (open > 0 && closes && !(isEmpty && this.#from === this.#at)) {
      this.#flush(this.#at);
      this.#collapse(open);
      const { inlines } = this.#frames.pop() as Frame;
      append(this.#top.inlines, { is: MARKS[mark as Mark], inlines });
    } else if (opens) {
      this.#flush(this.#at);
      if (open > 0) this.#collapse(open - 1);
      this.#frames.push({ mark: mark as Mark, inlines: [] });
    } else {
      this.#at += length;
      return;
    }
    this.#at += length;
    this.#from = this.#at;
  }

  /** Frames above this one were never closed: their marks are text. */
  #collapse(to: number): void {
    while (this.#frames.length > to + 1) {
      const { mark, inlines } = this.#frames.pop() as Frame;
      append(this.#top.inlines, { is: "text", text: mark as string });
      for (const inline of inlines) append(this.#top.inlines, inline);
    }
  }

  #link(): void {
    const start = this.#at;
    const isStart = URL_START.test(this.#line.slice(start, start + 9));
    if (!isStart || isWord(this.#before(start))) {
      this.#at++;
      return;
    }
    let end = start + 7;
    while (end < this.#line.length && !URL_END.test(this.#line[end] as string)) end++;
    const text = trimmed(this.#line.slice(start, end), (mark) =>
      this.#frames.some((frame) => frame.mark?.[0] === mark),
    );
    const url = addressOf(text);
    if (url === undefined) this.#at = start + text.length;
    else this.#take({ is: "link", text, url }, start + text.length);
  }

  #name(mark: "@" | "#"): void {
    const before = this.#before(this.#at);
    const isInside = isWord(before) || "/@#&=.-".includes(before || " ");
    const emphasised = this.#frames.some((frame) => frame.mark === "_");
    NAME.lastIndex = this.#at + 1;
    const found = isInside || (before === "_" && !emphasised) ? null : NAME.exec(this.#line);
    let name = found?.[0] ?? "";
    while (/[.-]$/.test(name) || (name.endsWith("_") && emphasised)) name = name.slice(0, -1);
    const end = this.#at + 1 + name.length;
    // "#12" is a number of something, and a name goes to its word's end.
    const isName = mark === "@" || /[A-Za-z]/.test(name);
    if (name === "" || !isName || isWord(this.#after(end))) {
      this.#at++;
      return;
    }
    this.#take({ is: mark === "@" ? "person" : "channel", name }, end);
  }
}

/** An address as found in text, without the punctuation of the sentence that it stands in. */
function trimmed(text: string, isOpen: (mark: string) => boolean): string {
  const count: Record<string, number> = {};
  for (const character of text) count[character] = (count[character] ?? 0) + 1;
  let end = text.length;
  for (; end > 0; end--) {
    const last = text[end - 1] as string;
    const opening = CLOSING[last];
    const goes =
      opening === undefined
        ? ".,:;!?'…”’»|".includes(last) || ("*_~".includes(last) && isOpen(last))
        : (count[last] ?? 0) > (count[opening] ?? 0);
    if (!goes) break;
    count[last] = (count[last] ?? 0) - 1;
  }
  return text.slice(0, end);
}

/** Where it goes; undefined for what is no address or hides where it goes behind a user name. */
function addressOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password, hostname, href } = new URL(text);
  const isWeb = protocol === "http:" || protocol === "https:";
  if (!isWeb || username !== "" || password !== "" || hostname === "") return undefined;
  return href;
}

function append(to: Inline[], inline: Inline): void {
  const last = to.at(-1);
  if (inline.is === "text" && last?.is === "text") {
    to[to.length - 1] = { is: "text", text: last.text + inline.text };
  } else {
    to.push(inline);
  }
}

const EMOJI =
  /^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|[0-9#*]\ufe0f?\u20e3|[\u200d\ufe0f\s]|[\u{e0020}-\u{e007f}])+$/u;

/** Whether a message is a few emoji and nothing else. */
export function isEmojiOnly(text: string): boolean {
  return text.length <= 40 && text.trim() !== "" && EMOJI.test(text) && !/^\d+$/.test(text);
}

/** What a block says, without its marks: for announcements and tests. */
export function textOf(blocks: readonly Block[]): string {
  return blocks.map(blockText).join("\n");
}

function blockText(block: Block): string {
  switch (block.is) {
    case "paragraph":
      return inlineText(block.inlines);
    case "code":
      return block.language === "" ? block.text : `${block.language}\n${block.text}`;
    case "quote":
      return textOf(block.blocks);
    case "list":
      return block.items
        .map(
          ({ number, inlines }) =>
            `${number === undefined ? "" : `${number}. `}${inlineText(inlines)}`,
        )
        .join("\n");
  }
}

function inlineText(inlines: readonly Inline[]): string {
  return inlines
    .map((inline) => {
      if ("inlines" in inline) return inlineText(inline.inlines);
      if ("name" in inline) return (inline.is === "person" ? "@" : "#") + inline.name;
      return inline.text;
    })
    .join("");
}
