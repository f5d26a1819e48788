/**
 * Who this client is: token, account, cluster, and how far it has read; in memory and kept.
 *
 * The cursor is kept with the account it belongs to: read as another account it would hide what that one has
 * not seen. Nothing here prints the token; private fields keep it out of what a console shows of a client.
 */
import type { Keeper } from "./keeper.ts";
import type { Clock } from "./ports.ts";
import type { KnownServer } from "./servers.ts";
import { entriesIn, isRecord, textIn } from "./told.ts";

type Known = {
  token: string;
  /** Id of the account, once a server said it. */
  account: string | undefined;
  /** Id of the cluster that the token belongs to, once known. */
  cluster: string | undefined;
  /** The servers of that cluster, as one of them told last: those given may all be dead at the next start. */
  servers: readonly KnownServer[] | undefined;
};

export class KeptSession {
  readonly #keeper: Keeper;
  readonly #clock: Clock;
  readonly #waitMs: number;
  #known: Known | undefined;
  #cursor: string | undefined;
  #timer: (() => void) | undefined;
  /** Whether a cursor of this session is stored, or on its way. */
  #stored = false;

  /** `waitMs`: the cursor is written at most this often; Infinity for never. */
  constructor(keeper: Keeper, clock: Clock, waitMs: number) {
    this.#keeper = keeper;
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  get token(): string | undefined {
    return this.#known?.token;
  }

  get account(): string | undefined {
    return this.#known?.account;
  }

  get cluster(): string | undefined {
    return this.#known?.cluster;
  }

  get servers(): readonly KnownServer[] | undefined {
    return this.#known?.servers;
  }

  /** Takes what was kept; the answer is the cursor to go on from. */
  load(kept: ReadonlyMap<string, string>): string | undefined {
    const session = read(kept.get("session"));
    if (typeof session?.token !== "string") return undefined;
    const { token } = session;
    const account = textIn(session.account);
    const servers = entriesIn(session.servers);
    this.#known = { token, account, cluster: textIn(session.cluster), servers };
    const cursor = read(kept.get("cursor"));
    const found = textIn(cursor?.account) === account ? textIn(cursor?.cursor) : undefined;
    this.#stored = found !== undefined;
    return found;
  }

  become(
    token: string,
    account?: string,
    cluster?: string,
    servers?: readonly KnownServer[],
  ): void {
    this.#known = { token, account, cluster, servers };
    this.#stored = false;
    this.#keep();
  }

  /** A server told what was not known of it. */
  learn(facts: Partial<Omit<Known, "token">>): void {
    if (this.#known === undefined) return;
    const before = JSON.stringify(this.#known);
    this.#known = { ...this.#known, ...facts };
    if (JSON.stringify(this.#known) !== before) this.#keep();
  }

  forget(): void {
    this.#known = undefined;
    this.#keep();
  }

  keepCursor(cursor: string | undefined): void {
    this.#cursor = cursor;
    if (this.#waitMs === Number.POSITIVE_INFINITY) return;
    // The first one at once: a session that is kept without a cursor does not know what it missed.
    if (cursor === undefined || !this.#stored) void this.#writeCursor();
    else this.#timer ??= this.#clock.schedule(this.#waitMs, () => void this.#writeCursor());
  }

  /** Writes the cursor now if it waits to be written. */
  async flush(): Promise<void> {
    if (this.#timer !== undefined) await this.#writeCursor();
  }

  async #writeCursor(): Promise<void> {
    this.#timer?.();
    this.#timer = undefined;
    const value = { account: this.account, cursor: this.#cursor };
    const text = this.#cursor === undefined ? undefined : JSON.stringify(value);
    this.#stored = text !== undefined;
    await this.#keeper.write("cursor", text);
  }

  #keep(): void {
    void this.#keeper.write("session", this.#known && JSON.stringify(this.#known));
  }
}

function read(text: string | undefined): { readonly [key: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
