/** What a chat has shown: each message once, days told apart, blocks of one conversation set off. */
import type { Message } from "../client/index.ts";
import type { ChatScreen } from "./chat-screen.ts";
import {
  type Calendar,
  changedLines,
  dayKey,
  dayText,
  messageLines,
  noticeLines,
  ruleLine,
} from "./format.ts";
import { type Span, warn, wrap } from "./paint.ts";
import { printableLines } from "./printable.ts";

const SHOWN_MAX = 8_192;

export type TranscriptOptions = {
  readonly screen: ChatScreen;
  readonly calendar: Calendar;
  readonly wallMs: () => number;
  /** A message of a conversation was put before the reader. */
  readonly shown: (message: Message) => void;
};

export class Transcript {
  private readonly options: TranscriptOptions;
  private readonly ids = new Set<string>();
  private day: string;

  constructor(options: TranscriptOptions) {
    this.options = options;
    this.day = this.today();
  }

  /** Whether this message was shown. */
  has({ id }: Message): boolean {
    return this.ids.has(id);
  }

  print(lines: readonly (readonly Span[])[]): void {
    this.options.screen.print(lines);
  }

  notice(text: string): void {
    this.print(noticeLines(text, this.width));
  }

  /** Something that was asked for did not happen. */
  trouble(text: string): void {
    this.print(printableLines(text).flatMap((line) => wrap([warn(`! ${line}`)], this.width, 2)));
  }

  rule(title: string): void {
    this.print([ruleLine(title, this.width)]);
  }

  /** A message as it comes; `where` unless that is plain. */
  message(message: Message, where: string | undefined): void {
    const lines: Span[][] = [];
    this.day = this.dayLine(message, this.day, lines);
    this.print([...lines, ...messageLines(message, this.look(where))]);
    this.noted(message);
  }

  /** A message that was edited or deleted. */
  change(message: Message, where: string | undefined): void {
    this.print(changedLines(message, this.look(where)));
  }

  /** Messages as a block of their own; without `where` they are of one conversation, and count as shown. */
  block(title: string, messages: readonly Message[], where?: (message: Message) => string): void {
    const lines: Span[][] = [ruleLine(title, this.width)];
    let day = this.today();
    for (const message of messages) {
      day = this.dayLine(message, day, lines);
      lines.push(...messageLines(message, this.look(where?.(message))));
      if (where === undefined) this.noted(message);
    }
    this.print(lines);
  }

  private get width(): number {
    return this.options.screen.width;
  }

  private look(where: string | undefined) {
    const { calendar } = this.options;
    return { width: this.width, calendar, ...(where === undefined ? {} : { where }) };
  }

  private noted(message: Message): void {
    this.ids.add(message.id);
    if (this.ids.size > SHOWN_MAX) this.ids.delete(this.ids.values().next().value as string);
    this.options.shown(message);
  }

  private dayLine(message: Message, before: string, lines: Span[][]): string {
    const moment = this.options.calendar(message.at);
    const day = dayKey(moment);
    if (day !== before) lines.push(ruleLine(dayText(moment), this.width));
    return day;
  }

  private today(): string {
    return dayKey(this.options.calendar(this.options.wallMs()));
  }
}
