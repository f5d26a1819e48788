/**
 * What a run did: a hash that two runs of one seed share, and, where somebody wants to read it, lines.
 *
 * Into the hash goes what is said and stored, not only when: a run that said the same things at the same times in
 * another content is another run. Links between servers are sealed with keys that no seed makes; of their
 * frames the length is noted.
 */
import type { Time } from "./clock.ts";

const FRAME_READ = 60_000;

export type Line = { readonly atMs: number; readonly text: string };

export class Trace {
  private readonly time: Time;
  private sum = 0n;
  /** Null while nobody wants to read them. */
  readonly lines: Line[] | null;

  constructor(time: Time, isRead: boolean) {
    this.time = time;
    this.lines = isRead ? [] : null;
  }

  /** Something was said or stored. */
  mix(content: string | Uint8Array): void {
    this.sum = Bun.hash.wyhash(content, this.sum);
  }

  /** A frame that arrived; long ones are cut off for reading. */
  frame(from: string, to: string, frame: string | Uint8Array): void {
    if (typeof frame !== "string") {
      this.mix(`${frame.length}`);
      return;
    }
    this.mix(frame);
    if (this.lines === null || frame.includes('"server.beat"')) return;
    this.lines.push({
      atMs: this.time.nowMs,
      text: `${from} > ${to} ${frame.slice(0, FRAME_READ)}`,
    });
  }

  /** Something that whoever reads the trace wants to know. */
  note(text: string): void {
    this.mix(text);
    this.lines?.push({ atMs: this.time.nowMs, text });
  }

  get hash(): string {
    const all = Bun.hash.wyhash(`${this.time.sum} ${this.time.nowMs}`, this.sum);
    return all.toString(16).padStart(16, "0");
  }
}
