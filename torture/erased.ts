/**
 * Gone is gone, on disks too: what was deleted is in no file of any server a while after its round. [R9]
 *
 * The promise is a minute from the acknowledgment, for servers that are there; here the time counts from when all were
 * there again, and has a margin for a busy machine.
 */
import { filesWith } from "../test/torture/files.ts";
import { type Rig, SERVERS } from "./rig.ts";

const GONE_AFTER_MS = 90_000;

export class Erased {
  /** One that is not erased: found, or nobody looks in the right place. */
  private kept: string | null = null;
  private readonly rounds: { readonly endedMs: number; readonly words: readonly string[] }[] = [];

  /** A round is over, these texts were erased in it, and one was not. */
  add(texts: readonly string[], kept: string | null): void {
    if (kept !== null) this.kept ??= wordOf(kept);
    this.rounds.push({ endedMs: performance.now(), words: texts.map(wordOf) });
  }

  /** The words that must be gone by now. */
  get due(): string[] {
    const before = performance.now() - GONE_AFTER_MS;
    return this.rounds.filter(({ endedMs }) => endedMs < before).flatMap(({ words }) => words);
  }

  /** Which of them are in a file of which server. */
  findings(rig: Rig): string[] {
    const words = this.due;
    const { kept } = this;
    return SERVERS.flatMap((server) => {
      const { data } = rig.disk(server);
      const found = filesWith(data, words).map((where) => `erased: ${server}: ${where}`);
      const isBlind = kept !== null && filesWith(data, [kept]).length === 0;
      return isBlind ? [...found, `erased: ${server}: a text that is there was not found`] : found;
    });
  }
}

const wordOf = (text: string) => text.split(" ").at(-1) ?? "";
