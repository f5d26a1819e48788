/**
 * What people see of messages, lists and moments: plain values in, lines of spans out.
 *
 * Everything that came from a server goes through printable() here, and nowhere later: callers can print
 * what they get. Days and times are written the same in every locale, so that scripts and tests can rely on
 * them; the time zone is the reader's.
 */
import type { Author, Message } from "../client/index.ts";
import { bold, dim, named, plain, type Span, spanCells, wrap } from "./paint.ts";
import { cells, clip, pad, printable, printableLines } from "./printable.ts";

export type Moment = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
};
/** Wall-clock ms as the reader's calendar has them. */
export type Calendar = (ms: number) => Moment;

export const localCalendar: Calendar = (ms) => {
  const date = new Date(ms);
  return {
    year: date.getFullYear(),
    month: date.getMonth() + 1,
    day: date.getDate(),
    weekday: date.getDay(),
    hour: date.getHours(),
    minute: date.getMinutes(),
  };
};

const two = (value: number) => String(value).padStart(2, "0");
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS =
  "January February March April May June July August September October November December";

export function timeText({ hour, minute }: Moment): string {
  return `${two(hour)}:${two(minute)}`;
}

/** `2026-11-22`: tells days apart. */
export function dayKey({ year, month, day }: Moment): string {
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
}

export function dayText({ year, month, day, weekday }: Moment): string {
  return `${DAYS[weekday]}, ${day} ${MONTHS.split(" ")[month - 1]} ${year}`;
}

/** A title with a rule to the end of the line, at most 72 columns. */
export function ruleLine(title: string, width: number): Span[] {
  const text = clip(`── ${printable(title)} `, width);
  return [dim(text + "─".repeat(Math.max(0, Math.min(width, 72) - cells(text))))];
}

/** A remark of the program itself. */
export function noticeLines(text: string, width: number): Span[][] {
  return printableLines(text).flatMap((line) => wrap([dim(`· ${line}`)], width, 2));
}

export function authorSpan(author: Author): Span {
  return author.deleted === true
    ? dim("(account deleted)")
    : named(printable(author.name), author.id);
}

export type MessageLook = {
  readonly width: number;
  readonly calendar: Calendar;
  /** Name of the conversation where it is not plain from the place. */
  readonly where?: string;
};

function remarks(message: Message): Span[] {
  const words = [message.edited && "edited", message.late && "late"].filter(Boolean);
  return words.length === 0 ? [] : [dim(` (${words.join(", ")})`)];
}

/** `12:03 #ops ann: text`, broken and indented to the width. */
export function messageLines(message: Message, look: MessageLook): Span[][] {
  const time = timeText(look.calendar(message.at));
  const head = [
    dim(`${time} `),
    ...(look.where === undefined ? [] : [plain(`${printable(look.where)} `)]),
    authorSpan(message.author),
    plain(": "),
  ];
  return bodyLines(head, message, look.width);
}

/** A message that was changed after it was shown. */
export function changedLines(message: Message, look: MessageLook): Span[][] {
  const time = timeText(look.calendar(message.at));
  const where = look.where === undefined ? "" : `${printable(look.where)} `;
  const head = [dim(`${time} `), plain(where), authorSpan(message.author)];
  if (message.deleted) return wrap([...head, plain(": "), dim("(deleted)")], look.width, 6);
  return bodyLines(
    [...head, dim(" edited"), plain(": ")],
    { ...message, edited: undefined },
    look.width,
  );
}

type Body = Omit<Message, "edited"> & { edited?: true | undefined };

function bodyLines(head: Span[], message: Body, width: number): Span[][] {
  if (message.deleted) return wrap([...head, dim("(deleted)")], width, 6);
  const lines = printableLines(message.text);
  const last = lines.length - 1;
  return lines.flatMap((line, i) => {
    const before = i === 0 ? head : [plain("      ")];
    const after = i === last ? remarks(message as Message) : [];
    return wrap([...before, plain(line), ...after], width, 6);
  });
}

/** One message in one line, for logs: date, conversation, author, text. */
export function messageRow(message: Message, where: string): string {
  const at = new Date(message.at).toISOString().replace(/\.\d+Z$/, "Z");
  const marks = [message.deleted && "deleted", message.edited && "edited", message.late && "late"];
  const said = marks.filter(Boolean).join(", ");
  const text = printable(message.text);
  return [at, printable(where), `${printable(message.author.name)}:`, text, said && `(${said})`]
    .filter((part) => part !== "")
    .join(" ");
}

/** Columns, as wide as needed; the last one is cut at the width. Cells may be anybody's text. */
export function tableLines(rows: readonly (readonly string[])[], width: number): Span[][] {
  const safe = rows.map((row) => row.map(printable));
  const columns = Math.max(0, ...safe.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.min(
      Math.max(8, Math.floor(width / 2)),
      Math.max(0, ...safe.map((row) => cells(row[i] ?? ""))),
    ),
  );
  return safe.map((row) => {
    let line = "";
    row.forEach((cell, i) => {
      line += i === row.length - 1 ? cell : `${pad(cell, widths[i] as number)}  `;
    });
    return [plain(clip(line.trimEnd(), width))];
  });
}

/** `name   text` with the text broken under itself. */
export function entryLines(name: string, text: string, column: number, width: number): Span[][] {
  const indent = column + 2;
  if (cells(name) > column || indent > width / 2) {
    return [[bold(clip(name, width))], ...wrap([plain(`  ${text}`)], width, 2)];
  }
  return wrap([bold(name), plain(" ".repeat(indent - cells(name)) + text)], width, indent);
}

export { spanCells };
