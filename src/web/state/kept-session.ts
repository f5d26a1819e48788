/**
 * The SDK's storage, with the session's token where no script can read it.
 *
 * Problem: a token in `localStorage` is a token for whatever script gets into the page. Approach: a new token goes
 * to the page's own server once, which answers with an HttpOnly cookie; what is kept under `session` says
 * `"cookie"` in its place, and a WebSocket that came with the cookie may resume by that word. Until the server
 * took the token, the session lives in this tab's memory only. Rejected: `sessionStorage` (as readable), a token
 * in memory for good (a reload would sign out).
 *
 * The key `session` is also how tabs hear of each other's sign-in and sign-out. Invariants: 1. no token is ever
 * written. 2. The key is written after the cookie is there and removed before the cookie is forgotten: a tab that
 * follows finds a cookie. 3. A tab that follows writes nothing, so that tabs cannot chase each other.
 */
import { type Clock, type KeptStorage, webStorage } from "../../client/index.ts";
import { COOKIE } from "./first-words.ts";
import type { PageKeep } from "./page-keep.ts";
import type { PageFetch, PageStorage } from "./ports.ts";

export const COOKIE_PATH = "/v1/cookie";
export const RETRY_MS_MIN = 1_000;
export const RETRY_MS_MAX = 60_000;

const KEY = "session";
const SDK_PREFIX = "holdfast/";
/** Says that a cookie is still to be forgotten: nobody could be told yet. */
const LEFT_OVER = "cookie-left-over";

export type Session = {
  readonly token: string;
  readonly account: string | undefined;
  readonly cluster: string | undefined;
};
/** What the cookie shall hold: a session's token, or nothing. */
type Wanted = { readonly session: Session | undefined };

export class CookieSession implements KeptStorage {
  readonly #storage: PageStorage;
  readonly #inner: KeptStorage;
  readonly #keep: PageKeep;
  readonly #fetch: PageFetch;
  readonly #clock: Clock;
  /** What this tab knows the cookie to hold, and what it should; the same object when there is nothing to do. */
  #done: Wanted = { session: undefined };
  #wanted: Wanted = this.#done;
  /** What this tab is, is what is kept: it follows when that changes. */
  #shared: boolean;
  #working = false;
  #following = 0;
  #ended = false;
  #cancelPause: (() => void) | undefined;

  constructor(storage: PageStorage, keep: PageKeep, fetch: PageFetch, clock: Clock) {
    this.#storage = storage;
    this.#inner = webStorage(storage, SDK_PREFIX);
    this.#keep = keep;
    this.#fetch = fetch;
    this.#clock = clock;
    this.#shared = this.kept !== undefined;
    if (keep.read(LEFT_OVER) !== undefined) this.#want(undefined);
  }

  /** The session that is kept; its token is {@link COOKIE}. */
  get kept(): Session | undefined {
    let text: string | null;
    try {
      text = this.#storage.getItem(SDK_PREFIX + KEY);
    } catch {
      return undefined;
    }
    const session = parse(text ?? undefined);
    return session?.token === COOKIE ? session : undefined;
  }

  async list(prefix: string): Promise<[string, string][]> {
    const all = [...(await this.#inner.list(prefix))];
    return all.filter(([key]) => key.startsWith("outbox/") || (key === KEY && this.kept));
  }

  set(key: string, value: string | undefined): void | Promise<void> {
    if (key !== KEY) return this.#inner.set(key, value);
    if (this.#following > 0) return;
    const session = parse(value);
    if (session === undefined) {
      this.#write(undefined);
      this.#want(undefined);
    } else if (session.token === COOKIE) {
      // Right after a resume its account is not known yet: what is kept already says more.
      if (session.account !== undefined) this.#write(session);
    } else if (this.#done.session?.token === session.token) {
      this.#done = { session };
      this.#wanted = this.#done;
      this.#write(session);
    } else {
      this.#want(session);
    }
  }

  watch(changed: (key: string, value: string | undefined) => void): () => void {
    return this.#storage.watch((key, value) => {
      if (key?.startsWith(`${SDK_PREFIX}outbox/`)) {
        changed(key.slice(SDK_PREFIX.length), value ?? undefined);
      }
    });
  }

  /** Another tab signed in or out; `kept` says as whom. The answer ends it. */
  onElsewhere(run: () => void): () => void {
    return this.#storage.watch((key) => {
      if (key !== null && key !== SDK_PREFIX + KEY) return;
      // A session that is not kept yet is this tab's own: nobody else can have ended it.
      if (this.kept !== undefined || this.#shared) run();
    });
  }

  /** What `act` makes of the session is what another tab did already: nothing of it is written. */
  async follow(act: () => Promise<void>): Promise<void> {
    this.#following++;
    this.#wanted = this.#done;
    this.#cancelPause?.();
    try {
      await act();
    } finally {
      this.#following--;
      this.#shared = this.kept !== undefined;
    }
  }

  /** Ends the retries. */
  stop(): void {
    this.#ended = true;
    this.#cancelPause?.();
  }

  #want(session: Session | undefined): void {
    this.#wanted = { session };
    this.#shared = false;
    if (session === undefined) this.#keep.write(LEFT_OVER, "yes");
    this.#cancelPause?.();
    if (!this.#working) void this.#work();
  }

  /** Tells the server what the cookie shall hold, until it holds that. */
  async #work(): Promise<void> {
    this.#working = true;
    let pauseMs = RETRY_MS_MIN;
    while (this.#done !== this.#wanted && !this.#ended) {
      const wanted = this.#wanted;
      const told = await (wanted.session === undefined ? this.#drop() : this.#give(wanted.session));
      if (told !== "unheard") {
        this.#done = wanted;
        this.#settled(wanted, told);
      } else if (this.#wanted === wanted) {
        await this.#pause(pauseMs);
        pauseMs = Math.min(2 * pauseMs, RETRY_MS_MAX);
      } else {
        pauseMs = RETRY_MS_MIN;
      }
    }
    this.#working = false;
  }

  #settled(wanted: Wanted, told: "done" | "refused"): void {
    if (this.#wanted !== wanted) return;
    this.#keep.write(LEFT_OVER, undefined);
    if (wanted.session !== undefined && told === "done") this.#write(wanted.session);
  }

  async #give(session: Session): Promise<"done" | "refused" | "unheard"> {
    const headers = { authorization: `Bearer ${session.token}` };
    const status = await this.#ask({ method: "POST", headers });
    // A token that is no longer good needs no cookie; its session hears of that by itself.
    if (status === 401) return "refused";
    return status !== undefined && status >= 200 && status < 300 ? "done" : "unheard";
  }

  async #drop(): Promise<"done" | "unheard"> {
    if (this.kept !== undefined) return "done"; // another tab signed in meanwhile: the cookie is its
    const status = await this.#ask({ method: "DELETE" });
    return status !== undefined && status < 500 ? "done" : "unheard";
  }

  async #ask(init: Parameters<PageFetch>[1]): Promise<number | undefined> {
    try {
      return (await this.#fetch(COOKIE_PATH, init)).status;
    } catch {
      return undefined;
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(ms, resolve);
      this.#cancelPause = () => {
        cancel();
        resolve();
      };
    });
  }

  #write(session: Session | undefined): void {
    const text = session && JSON.stringify({ ...session, token: COOKIE });
    this.#shared = session !== undefined;
    try {
      if ((this.#storage.getItem(SDK_PREFIX + KEY) ?? undefined) === text) return;
      if (text === undefined) this.#storage.removeItem(SDK_PREFIX + KEY);
      else this.#storage.setItem(SDK_PREFIX + KEY, text);
    } catch {
      this.#keep.failed();
    }
  }
}

function parse(text: string | undefined): Session | undefined {
  try {
    const value = JSON.parse(text ?? "null");
    if (typeof value?.token !== "string") return undefined;
    const { token, account, cluster } = value;
    return { token, account, cluster };
  } catch {
    return undefined;
  }
}
