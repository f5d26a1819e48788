/**
 * What the list of conversations looked like last, for a reload while no server can be reached: who and where,
 * without a word of what was said. Without it, what waits to be sent would have no place to be shown in.
 */
import type { Account, Clock, Conversation } from "../../client/index.ts";
import type { PageKeep } from "./page-keep.ts";

export const KEPT_MAX = 200;
const WRITE_MS = 2_000;
const KEY = "conversations";

type Kept = { readonly account: string; readonly conversations: readonly Conversation[] };

export class LastLook {
  readonly #keep: PageKeep;
  readonly #clock: Clock;
  #due: Kept | undefined;
  #cancel: (() => void) | undefined;

  constructor(keep: PageKeep, clock: Clock) {
    this.#keep = keep;
    this.#clock = clock;
  }

  of({ id }: Pick<Account, "id">): readonly Conversation[] {
    const kept = this.#keep.readJson(KEY) as Partial<Kept> | undefined;
    if (kept?.account !== id || !Array.isArray(kept.conversations)) return [];
    return kept.conversations.filter(isConversation);
  }

  show(account: string, conversations: readonly Conversation[]): void {
    this.#due = { account, conversations };
    this.#cancel ??= this.#clock.schedule(WRITE_MS, () => this.flush());
  }

  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#due === undefined) return;
    const { account, conversations } = this.#due;
    this.#due = undefined;
    const bare = conversations.slice(0, KEPT_MAX).map(({ last: _, ...rest }) => {
      return { ...rest, unread: 0, ...(rest.online === undefined ? {} : { online: false }) };
    });
    this.#keep.write(KEY, JSON.stringify({ account, conversations: bare }));
  }

  /** Nobody is signed in: whoever comes next is not to see it. */
  forget(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#due = undefined;
    this.#keep.write(KEY, undefined);
  }
}

function isConversation(value: Partial<Conversation> | null): boolean {
  return typeof value?.id === "string" && typeof value.name === "string" && value.unread === 0;
}
