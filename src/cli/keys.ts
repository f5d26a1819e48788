/**
 * Bytes of a terminal as keys.
 *
 * Problem: keys beyond letters arrive as escape sequences, possibly cut in two, and a paste must not be taken
 * for typed commands. Approach: a decoder that keeps an unfinished sequence for the next piece, knows the few
 * keys a line editor needs by their xterm sequences (XTerm Control Sequences, "PC-Style Function Keys") and
 * passes over every other sequence whole. Pastes are told by bracketed paste mode. Rejected: node:readline (it
 * owns the screen, and cannot redraw a line under text that arrives).
 */
export type KeyName =
  | "enter"
  | "newline"
  | "left"
  | "right"
  | "word-left"
  | "word-right"
  | "home"
  | "end"
  | "up"
  | "down"
  | "backspace"
  | "delete"
  | "erase-word"
  | "erase-before"
  | "erase-after"
  | "interrupt"
  | "end-of-input"
  | "redraw"
  | "escape"
  | "tab";

export type Key =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "paste"; readonly text: string }
  | { readonly kind: "key"; readonly name: KeyName };

const CONTROLS: Readonly<Record<string, KeyName>> = {
  "\r": "enter",
  "\n": "newline",
  "\x01": "home",
  "\x02": "left",
  "\x03": "interrupt",
  "\x04": "end-of-input",
  "\x05": "end",
  "\x06": "right",
  "\x08": "backspace",
  "\t": "tab",
  "\x0b": "erase-after",
  "\x0c": "redraw",
  "\x0e": "down",
  "\x10": "up",
  "\x15": "erase-before",
  "\x17": "erase-word",
  "\x7f": "backspace",
};

const FINALS: Readonly<Record<string, KeyName>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  F: "end",
  H: "home",
};
const TILDES: Readonly<Record<string, KeyName>> = {
  "1": "home",
  "3": "delete",
  "4": "end",
  "7": "home",
  "8": "end",
};
const ALT: Readonly<Record<string, KeyName>> = {
  b: "word-left",
  f: "word-right",
  "\x7f": "erase-word",
  "\r": "newline",
};

const PASTE_BEGIN = "\x1b[200~";
const PASTE_END = "\x1b[201~";
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this reads
const SEQUENCE = /^\x1b(?:\[([0-?]*)[ -/]*([@-~])|O([@-~])|([^[O]))/u;
/** A sequence longer than this is none; what is kept of an unfinished one is bounded by it. */
const SEQUENCE_MAX = 64;
const PASTE_MAX = 1_000_000;

export class KeyDecoder {
  private readonly utf8 = new TextDecoder();
  private rest = "";
  private pasting = false;

  /** The keys that these bytes complete. */
  decode(bytes: Uint8Array): Key[] {
    let text = this.rest + this.utf8.decode(bytes, { stream: true });
    this.rest = "";
    const keys: Key[] = [];
    while (text !== "") {
      const used = this.pasting ? this.paste(text, keys) : this.next(text, keys);
      if (used === 0) {
        this.rest = text;
        break;
      }
      text = text.slice(used);
    }
    return keys;
  }

  private paste(text: string, keys: Key[]): number {
    const end = text.indexOf(PASTE_END);
    if (end < 0 && text.length < PASTE_MAX) return 0;
    this.pasting = end < 0;
    const pasted = end < 0 ? text : text.slice(0, end);
    if (pasted !== "") keys.push({ kind: "paste", text: pasted.replaceAll(/\r\n?/g, "\n") });
    return end < 0 ? text.length : end + PASTE_END.length;
  }

  private next(text: string, keys: Key[]): number {
    if (text.startsWith(PASTE_BEGIN)) {
      this.pasting = true;
      return PASTE_BEGIN.length;
    }
    if (text[0] === "\x1b") return this.sequence(text, keys);
    const control = CONTROLS[text[0] as string];
    if (control !== undefined) {
      keys.push({ kind: "key", name: control });
      return 1;
    }
    const typed = /^\P{Cc}+/u.exec(text)?.[0];
    if (typed === undefined) return 1; // a control that means nothing here
    keys.push({ kind: "text", text: typed });
    return typed.length;
  }

  private sequence(text: string, keys: Key[]): number {
    const found = SEQUENCE.exec(text);
    if (found === null) {
      if (text === "\x1b") {
        keys.push({ kind: "key", name: "escape" });
        return 1;
      }
      return text.length < SEQUENCE_MAX ? 0 : 1;
    }
    const [whole, parameters = "", final, shifted, alt] = found;
    const name = nameOf(parameters, final ?? shifted, alt);
    if (name !== undefined) keys.push({ kind: "key", name });
    return whole.length;
  }
}

function nameOf(parameters: string, final: string | undefined, alt: string | undefined) {
  if (alt !== undefined) return ALT[alt];
  if (final === "~") return TILDES[parameters.split(";")[0] as string];
  const name = FINALS[final as string];
  const moved = /;[3-8]$/.test(parameters); // with Alt or Ctrl
  if (moved && name === "left") return "word-left";
  if (moved && name === "right") return "word-right";
  return name;
}
