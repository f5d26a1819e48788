/** Where a chat shows itself: a terminal with a line being typed, or a pipe. */
import type { Span } from "./paint.ts";

export interface ChatScreen {
  /** Columns of a line. */
  readonly width: number;
  /** Shows lines above the one being typed. Their text must be printable. */
  print(lines: readonly (readonly Span[])[]): void;
  /** What stands before the typed line. */
  prompt(text: string): void;
  /** Asks for a line, hidden for a secret; `undefined` if there is nobody to ask or they left. */
  ask(question: string, hidden?: boolean): Promise<string | undefined>;
}
