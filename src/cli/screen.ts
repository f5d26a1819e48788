/**
 * A terminal that shows lines above one that is being typed.
 *
 * Problem: a message that arrives while somebody types must neither tear the typed line nor lose it.
 * Approach: the typed line is always the last row and always one row; whatever is printed first erases that
 * row and then draws it again, in one write. The cursor's column is left to the terminal (save and restore),
 * so that a wrong guess of a character's width never moves it. Rejected: the alternate screen (the chat would
 * vanish from the scroll-back when one leaves).
 */
import { type Key, KeyDecoder } from "./keys.ts";
import { EMPTY, type Line, press, view } from "./line-editor.ts";
import { type Colours, paint, type Span } from "./paint.ts";
import { cells, clip, printable } from "./printable.ts";

/** What is needed of a terminal. */
export interface Tty {
  readonly columns: number;
  readonly colours: Colours;
  write(text: string): void;
  /** Keys one by one and without echo, or back to lines. */
  raw(on: boolean): void;
  onInput(listener: (bytes: Uint8Array) => void): void;
  onResize(listener: () => void): void;
  /** Runs it when everything that is ready to run has run. */
  later(run: () => void): void;
}

export interface ScreenOwner {
  line(text: string): void;
  /** Ctrl+C, or Ctrl+D on an empty line. */
  leave(): void;
}

type Question = {
  readonly prompt: string;
  readonly hidden: boolean;
  readonly answer: (text: string | undefined) => void;
};

const COLUMNS_MIN = 8;
const PASTE_ON = "\x1b[?2004h";
const PASTE_OFF = "\x1b[?2004l";

export class Screen {
  private readonly tty: Tty;
  private readonly owner: ScreenOwner;
  private readonly decoder = new KeyDecoder();
  private line: Line = EMPTY;
  /** The line that a question interrupted. */
  private kept: Line = EMPTY;
  private promptText = "> ";
  private question: Question | undefined;
  private open = true;
  /** Typed and not yet taken in: each line may ask something, and what follows is the answer to that. */
  private keys: Key[] = [];
  private pausing = false;
  private listening = false;

  constructor(tty: Tty, owner: ScreenOwner) {
    this.tty = tty;
    this.owner = owner;
    tty.raw(true);
    tty.write(PASTE_ON);
    tty.onInput((bytes) => this.input(bytes));
    tty.onResize(() => this.show(""));
    this.show("");
  }

  /** From now on lines go to the owner; until then all that is typed waits for questions. */
  begin(): void {
    this.listening = true;
    this.pump();
  }

  get width(): number {
    return Math.max(COLUMNS_MIN, this.tty.columns);
  }

  /** Shows lines above the typed one. Their text must be printable. */
  print(lines: readonly (readonly Span[])[]): void {
    if (lines.length === 0) return;
    const text = lines.map((line) => `${paint(line, this.tty.colours)}\r\n`).join("");
    if (this.open) this.show(text);
    else this.tty.write(text);
  }

  prompt(text: string): void {
    if (text === this.promptText) return;
    this.promptText = text;
    if (this.question === undefined) this.show("");
  }

  /** Asks for a line; `undefined` if the answer is to leave. Hidden ones show as `*`. */
  ask(prompt: string, hidden = false): Promise<string | undefined> {
    if (!this.open || this.question !== undefined) return Promise.resolve(undefined);
    return new Promise((answer) => {
      this.kept = this.line;
      this.line = { ...EMPTY, past: [] };
      this.question = { prompt, hidden, answer };
      this.show("");
      this.pump();
    });
  }

  /** Gives the terminal back as it was found. */
  close(): void {
    if (!this.open) return;
    this.tty.write(`\r\x1b[J${PASTE_OFF}`);
    this.open = false;
    this.question?.answer(undefined);
    this.tty.raw(false);
  }

  private input(bytes: Uint8Array): void {
    for (const key of this.decoder.decode(bytes)) {
      // Leaving never waits.
      if (key.kind === "key" && key.name === "interrupt") {
        this.keys = [];
        this.leave();
      } else {
        this.keys.push(key);
      }
    }
    this.pump();
  }

  private pump(): void {
    if (this.pausing || this.keys.length === 0) return;
    while (this.open && (this.listening || this.question !== undefined)) {
      const key = this.keys.shift();
      if (key === undefined) break;
      const { line, outcome } = press(this.line, key, this.question === undefined);
      this.line = line;
      if (outcome.kind === "line") {
        this.finished(outcome.text);
        this.pause();
        break;
      }
      if (outcome.kind === "end") this.leave();
      else if (outcome.kind === "redraw") this.tty.write("\x1b[H\x1b[2J");
    }
    this.show("");
  }

  /** Lets what a line leads to happen, such as the next question, before anything else is taken in. */
  private pause(): void {
    this.pausing = true;
    this.tty.later(() => {
      this.pausing = false;
      this.pump();
    });
  }

  private finished(text: string): void {
    const { question } = this;
    if (question === undefined) {
      this.owner.line(text);
      return;
    }
    const told = `${printable(question.prompt)}${question.hidden ? "" : printable(text)}`;
    this.endQuestion();
    this.print([[{ text: clip(told, this.width - 1) }]]);
    question.answer(text);
  }

  private leave(): void {
    const { question } = this;
    if (question === undefined) {
      this.owner.leave();
      return;
    }
    this.endQuestion();
    question.answer(undefined);
  }

  private endQuestion(): void {
    this.question = undefined;
    this.line = this.kept;
  }

  /** Erases the typed row, writes `above`, draws the row again. */
  private show(above: string): void {
    if (!this.open) return;
    const room = this.width - 1; // the last column stays free: some terminals turn there
    // A question is read once and answered briefly; a prompt stands there while much is typed.
    const share = this.question === undefined ? Math.ceil(room / 2) : Math.ceil(room * 0.8);
    const prompt = clip(printable(this.question?.prompt ?? this.promptText), share);
    const mask = this.question?.hidden ? "*" : undefined;
    const { before, after } = view(this.line, room - cells(prompt), mask);
    const tail = after === "" ? "" : `\x1b7${after}\x1b8`;
    const head = paint([{ text: prompt, style: { kind: "bold" } }], this.tty.colours);
    this.tty.write(`\r\x1b[J${above}${head}${before}${tail}`);
  }
}
