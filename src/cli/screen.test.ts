import { expect, test } from "bun:test";
import fc from "fast-check";
import { hostile } from "../../test/cli-hostile-text.ts";
import { plain } from "./paint.ts";
import { cells, printable } from "./printable.ts";
import { Screen, type Tty } from "./screen.ts";

/** As much of a terminal as the screen uses: rows that break at the width, cursor, erasing, save. */
class FakeTty implements Tty {
  columns: number;
  readonly colours = "none";
  rows: string[][] = [[]];
  row = 0;
  column = 0;
  saved: [number, number] = [0, 0];
  isRaw = false;
  private listener: (bytes: Uint8Array) => void = () => {};
  private resized: () => void = () => {};

  constructor(columns = 40) {
    this.columns = columns;
  }

  raw(on: boolean): void {
    this.isRaw = on;
  }
  onInput(listener: (bytes: Uint8Array) => void): void {
    this.listener = listener;
  }
  onResize(listener: () => void): void {
    this.resized = listener;
  }
  private readonly due: (() => void)[] = [];
  later(run: () => void): void {
    this.due.push(run);
  }
  /** Runs what was put off. */
  tick(): void {
    this.due.shift()?.();
  }
  type(text: string): void {
    this.listener(new TextEncoder().encode(text));
    while (this.due.length > 0) this.tick();
  }
  /** All at once, before anything that is put off. */
  typeAhead(text: string): void {
    this.listener(new TextEncoder().encode(text));
  }
  resize(columns: number): void {
    this.columns = columns;
    this.resized();
  }

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is a terminal
    const parts = text.matchAll(/\x1b\[([0-9;?]*)([A-Za-z])|\x1b([78])|([\s\S])/gu);
    for (const [, parameters, final, save, character] of parts) {
      if (save === "7") this.saved = [this.row, this.column];
      else if (save === "8") [this.row, this.column] = this.saved;
      else if (final === "J" && parameters === "") this.eraseBelow();
      else if (final === "J") this.rows = [[]];
      else if (final === "H") [this.row, this.column] = [0, 0];
      else if (final !== undefined) expect(`${parameters}${final}`).toMatch(/^(\?2004[hl])$/);
      else this.put(character as string);
    }
  }

  private put(character: string): void {
    if (character === "\r") this.column = 0;
    else if (character === "\n") this.turn();
    else {
      const size = Bun.stringWidth(character);
      if (size === 0) return;
      if (this.column + size > this.columns) {
        this.turn();
        this.column = 0;
      }
      const row = this.rows[this.row] as string[];
      while (row.length < this.column) row.push(" ");
      row[this.column++] = character;
      if (size === 2) row[this.column++] = "";
    }
  }

  private turn(): void {
    this.row++;
    this.rows[this.row] ??= [];
  }

  private eraseBelow(): void {
    this.rows.length = this.row + 1;
    (this.rows[this.row] as string[]).length = Math.min(
      (this.rows[this.row] as string[]).length,
      this.column,
    );
  }

  get text(): string[] {
    return this.rows.map((row) => row.join("").trimEnd());
  }
}

function open(columns?: number, begun = true) {
  const tty = new FakeTty(columns);
  const lines: string[] = [];
  let left = 0;
  const screen = new Screen(tty, { line: (text) => lines.push(text), leave: () => left++ });
  if (begun) screen.begin();
  return { tty, screen, lines, left: () => left };
}

test("what arrives stands above the typed line and leaves it whole", () => {
  const { tty, screen } = open();
  screen.prompt("#ops> ");
  tty.type("hel");
  screen.print([[plain("12:00 ann: hi")], [plain("12:01 bob: ho")]]);
  tty.type("lo");
  expect(tty.text).toEqual(["12:00 ann: hi", "12:01 bob: ho", "#ops> hello"]);
  expect(tty.column).toBe("#ops> hello".length);
});

test("the cursor stays where it was in the line", () => {
  const { tty, screen } = open();
  tty.type("hello\x1b[D\x1b[D");
  screen.print([[plain("news")]]);
  tty.type("X");
  expect(tty.text).toEqual(["news", "> helXlo"]);
  expect(tty.column).toBe("> helX".length);
});

test("lines go to the owner, Ctrl+C and Ctrl+D ask to leave", () => {
  const { tty, lines, left } = open();
  tty.type("one\rtwo\r");
  expect(lines).toEqual(["one", "two"]);
  tty.type("x\x04");
  expect(left()).toBe(0);
  tty.type("\x03");
  tty.type("\x7f\x04");
  expect(left()).toBe(2);
});

test("a question takes the line over and gives it back; a secret never shows", async () => {
  const { tty, screen, lines } = open();
  tty.type("dra");
  const answer = screen.ask("Password: ", true);
  tty.type("secret");
  expect(tty.text.join("\n")).toContain("Password: ******");
  tty.type("\r");
  expect(await answer).toBe("secret");
  expect(tty.text.join("\n")).not.toContain("secret");
  tty.type("ft\x1b[A\r");
  expect(lines).toEqual(["draft"]);
});

test("what is typed ahead answers the questions to come, and never becomes a line", async () => {
  const { tty, screen, lines } = open(40, false);
  tty.typeAhead("ann\rsecret\rhello\r");
  const name = await screen.ask("Name: ");
  tty.tick();
  const password = screen.ask("Password: ", true);
  tty.tick();
  expect([name, await password, lines]).toEqual(["ann", "secret", []]);
  screen.begin();
  tty.tick();
  expect(lines).toEqual(["hello"]);
  expect(tty.text.join("\n")).not.toContain("secret");
});

test("a line that leads to a question: what follows at once is its answer", async () => {
  const { tty, screen, lines } = open();
  tty.typeAhead("/password\rsecret\r");
  expect(lines).toEqual(["/password"]);
  const answer = screen.ask("Password: ", true);
  tty.tick();
  expect([await answer, lines]).toEqual(["secret", ["/password"]]);
});

test("Ctrl+C leaves at once, whatever was typed ahead", () => {
  const { tty, left } = open(40, false);
  tty.typeAhead("some text\r\x03");
  expect(left()).toBe(1);
});

test("Ctrl+C ends a question without an answer", async () => {
  const { tty, screen, left } = open();
  const answer = screen.ask("Name: ");
  tty.type("x\x03");
  expect(await answer).toBeUndefined();
  expect(left()).toBe(0);
});

test("closing gives the terminal back and answers what was asked", async () => {
  const { tty, screen } = open();
  const answer = screen.ask("Name: ");
  screen.close();
  expect(await answer).toBeUndefined();
  expect(tty.isRaw).toBe(false);
  expect(tty.text).toEqual([""]);
});

test("after a change of width the line is drawn for the new one", () => {
  const { tty } = open(40);
  tty.type("a long line that needs some room here");
  tty.resize(20);
  tty.type("!");
  expect(tty.text.at(-1)).toBe("> s some room here!");
});

test("whatever is typed and arrives: printed rows stay, the last row is the typed one", () => {
  const action = fc.oneof(
    fc.record({ type: hostile }),
    fc.record({ key: fc.constantFrom("\x1b[D", "\x1b[C", "\x7f", "\x1b[H", "\x15") }),
    fc.record({ print: fc.string({ maxLength: 19 }) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 20 }), (actions) => {
      const { tty, screen } = open(20);
      const printed: string[] = [];
      for (const step of actions) {
        // A paste, so that nothing in it is a key.
        if ("type" in step) tty.type(`\x1b[200~${step.type.replaceAll("\x1b", "")}\x1b[201~`);
        else if ("key" in step) tty.type(step.key);
        else {
          const text = printable(step.print);
          if (cells(text) >= 20) continue;
          printed.push(text.trimEnd());
          screen.print([[plain(text)]]);
        }
      }
      expect(tty.text.slice(0, -1)).toEqual(printed);
      expect(tty.text.at(-1)?.startsWith(">")).toBe(true);
    }),
  );
});
