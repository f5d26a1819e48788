/** Decoders of the command line: what it kept, what is typed, and what others wrote that it shows. */
import { parseInput } from "../../src/cli/chat-input.ts";
import type { ConfigFolder } from "../../src/cli/config-folder.ts";
import { KeyDecoder } from "../../src/cli/keys.ts";
import { cells, printable, printableLines, safeJson } from "../../src/cli/printable.ts";
import { SessionStore } from "../../src/cli/session-store.ts";
import { asBytes, asText, type Decoder } from "./fuzz.ts";

const ANN = `a_${"A".repeat(22)}`;
const session = {
  version: 1,
  cluster: "k_1",
  servers: ["http://a:7300"],
  account: { id: ANN, name: "ann" },
  token: `hft_${"T".repeat(43)}`,
};

/** A folder whose every file says the same; it notes what would be written where. */
function folderOf(text: string): { folder: ConfigFolder; written: string[] } {
  const written: string[] = [];
  const folder = {
    read: (name: string) => (name === "current" ? "k_1\n" : text),
    list: () => ["k_1", "cursor.json", "outbox-x.json"],
    write: (name: string) => written.push(name),
    remove: (name: string) => written.push(name),
  };
  return { folder: folder as unknown as ConfigFolder, written };
}

const stores: Decoder = {
  name: "kept sessions of the command line",
  of: ["src/cli/session-store.ts SessionStore"],
  form: "json",
  good: () => [JSON.stringify(session)],
  also: () => [JSON.stringify({ id: "c_1", name: "#ops" }), "null", "7"],
  outcomes: ["taken", "none"],
  decode(input) {
    const { folder, written } = folderOf(asText(input));
    const store = new SessionStore(folder);
    const current = store.current();
    for (const one of store.all()) {
      store.place(one);
      store.keepPlace(one, { id: "c_1", name: "#ops" });
      store.keep(one);
      const chat = store.chatStorage(one, true);
      for (const [key] of chat.list("")) chat.set(key, undefined);
    }
    store.place({ ...session, cluster: "k_1" });
    store.takeOver("k_2", ["http://a:7300"]);
    for (const name of written) {
      if (name.includes("..") || name.startsWith("/") || name.includes("\0")) {
        throw new Error(`it would write to ${name}`);
      }
    }
    return current === undefined ? "none" : "taken";
  },
};

const lines: Decoder = {
  name: "typed lines",
  of: ["src/cli/chat-input.ts parseInput"],
  form: "text",
  good: () => [
    "hello",
    "/msg @bob hi",
    "/edit ^2 text",
    "/delete bob^1",
    "/join #ops",
    "/rename ann2",
  ],
  also: () => ["/", "//x", "/constructor", "/__proto__ x", "/sessions end 2"],
  outcomes: ["taken", "wrong"],
  decode(input) {
    const { kind } = parseInput(asText(input));
    return kind === "wrong" ? "wrong" : `taken: ${kind}`;
  },
};

const keys: Decoder = {
  name: "keys of terminals",
  of: ["src/cli/keys.ts KeyDecoder"],
  form: "bytes",
  good: () =>
    ["abc\r", "\x1b[A\x1b[1;5C\x1bOH", "\x1b[200~pasted\ntext\x1b[201~x", "é😀"].map(
      (text) => new Uint8Array(Buffer.from(text)),
    ),
  outcomes: ["taken", "nothing"],
  decode(input) {
    const bytes = asBytes(input);
    const whole = new KeyDecoder().decode(bytes);
    const split = new KeyDecoder();
    const at = bytes.length >> 1;
    split.decode(bytes.subarray(0, at));
    split.decode(bytes.subarray(at));
    return whole.length === 0 ? "nothing" : `taken: ${whole[0]?.kind}`;
  },
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const ACTS_ON_TERMINALS = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

const shown: Decoder = {
  name: "texts that are shown",
  of: ["src/cli/printable.ts printable", "src/cli/printable.ts safeJson"],
  form: "text",
  good: () => ["hello", "\x1b[31mred\x07", "a\u202eb", "e\u0301".repeat(20), "👩\u200d💻"],
  outcomes: ["taken"],
  decode(input) {
    const text = asText(input);
    for (const line of [printable(text), ...printableLines(text)]) {
      if (ACTS_ON_TERMINALS.test(line)) throw new Error(`it acts on a terminal: ${line}`);
      if (!(cells(line) >= 0)) throw new Error("a width that is none");
    }
    const json = safeJson({ text });
    if (ACTS_ON_TERMINALS.test(json)) throw new Error(`it acts on a terminal: ${json}`);
    if ((JSON.parse(json) as { text: string }).text !== text)
      throw new Error("it is another value");
    return "taken";
  },
};

export const terminalDecoders: readonly Decoder[] = [stores, lines, keys, shown];
