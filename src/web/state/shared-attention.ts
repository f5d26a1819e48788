/**
 * Whether somebody looks at another tab of this page: then this one need not speak up.
 *
 * A tab that is looked at says so in the storage, again and again, because a tab that dies says nothing.
 */
import type { Clock } from "../../client/index.ts";
import type { PageKeep } from "./page-keep.ts";
import type { Attention } from "./ports.ts";

export const SAY_MS = 20_000;
const HOLDS_MS = 45_000;
const KEY = "attention";

export class SharedAttention {
  readonly #keep: PageKeep;
  readonly #attention: Attention;
  readonly #clock: Clock;
  readonly #tab: string;
  #cancel: (() => void) | undefined;
  readonly #unlisten: () => void;

  /** `tab`: tells this tab from the others. */
  constructor(keep: PageKeep, attention: Attention, clock: Clock, tab: string) {
    this.#keep = keep;
    this.#attention = attention;
    this.#clock = clock;
    this.#tab = tab;
    this.#unlisten = attention.onChange(() => this.#say());
    this.#say();
  }

  get isElsewhere(): boolean {
    const said = this.#read();
    return said !== undefined && said.tab !== this.#tab && this.#age(said.at) < HOLDS_MS;
  }

  stop(): void {
    this.#unlisten();
    this.#cancel?.();
    if (this.#read()?.tab === this.#tab) this.#keep.write(KEY, undefined);
  }

  #say(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#attention.has()) {
      this.#keep.write(KEY, JSON.stringify({ tab: this.#tab, at: this.#clock.wallMs() }));
      this.#cancel = this.#clock.schedule(SAY_MS, () => this.#say());
    } else if (this.#read()?.tab === this.#tab) {
      this.#keep.write(KEY, undefined);
    }
  }

  #age(at: number): number {
    return Math.abs(this.#clock.wallMs() - at);
  }

  #read(): { readonly tab: string; readonly at: number } | undefined {
    const said = this.#keep.readJson(KEY) as { tab?: unknown; at?: unknown } | undefined;
    if (typeof said?.tab !== "string" || typeof said.at !== "number") return undefined;
    return { tab: said.tab, at: said.at };
  }
}
