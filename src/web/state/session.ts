/**
 * Who uses the page: signing in and out, and what an account does with itself.
 *
 * Tabs of one browser are one person: what one tab's sign-in or sign-out left in the storage the others follow,
 * one step at a time, until they are what is kept (see kept-session.ts).
 */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type {
  Account,
  Author,
  Client,
  Clock,
  RefusalCode,
  Result,
  Session,
} from "../../client/index.ts";
import type { Alerts } from "./alerts.ts";
import { reasonOf } from "./errors.ts";
import { COOKIE } from "./first-words.ts";
import type { JoinedServers } from "./joined-servers.ts";
import type { CookieSession } from "./kept-session.ts";
import type { PageKeep } from "./page-keep.ts";
import { HOME, type Place } from "./place.ts";
import { settled } from "./repeat.ts";

export type Phase =
  | { readonly is: "loading" }
  /** `reason`: why a session that there was is over, in people's words. */
  | { readonly is: "signed_out"; readonly reason?: string }
  | { readonly is: "signed_in"; readonly account: Account };

/** `setup`: there is no administrator yet. */
export type Hello = Result<"server.hello"> & { readonly setup?: boolean };

export type Elsewhere = { readonly name: string; readonly url: string };

/** Its promises reject with HoldfastError. */
export interface SessionState {
  readonly phase: ReadonlySignal<Phase>;
  /** The own account, while signed in. */
  readonly account: ReadonlySignal<Account | undefined>;
  readonly isAdmin: ReadonlySignal<boolean>;
  /** What the server said of itself last; undefined until it could be reached. */
  readonly hello: ReadonlySignal<Hello | undefined>;
  refreshHello(): Promise<void>;
  /** Servers that have a page of their own, beside the one that this page came from. */
  readonly elsewhere: ReadonlySignal<readonly Elsewhere[]>;
  signIn(params: { name: string; password: string }): Promise<void>;
  /** Goes to the guide afterwards. */
  signUp(params: {
    name: string;
    password: string;
    displayName?: string;
    invitation?: string;
  }): Promise<void>;
  /** Signs out here in any case; an alert says so if no server could be told. */
  signOut(): Promise<void>;
  deleteAccount(params: { password: string; erase: boolean }): Promise<void>;
  sessions(): Promise<Session[]>;
  revoke(sessionId: string): Promise<void>;
  rename(name: string): Promise<void>;
  setDisplayName(displayName: string): Promise<void>;
  changePassword(password: string, newPassword: string): Promise<void>;
}

const SIGN_IN_MS = 20_000;
const HELLO_AGAIN_MS = 1_000;
/** The servers as they were last: where to go when this page's own is away. */
const SERVERS = "servers";
/** The own account as it was last: shown after a reload before a server can be reached. */
const ACCOUNT = "account";

export type SessionParts = {
  readonly client: Client;
  readonly kept: CookieSession;
  readonly keep: PageKeep;
  readonly place: Place;
  readonly alerts: Alerts;
  readonly joined: JoinedServers;
  readonly clock: Clock;
  readonly deviceLabel: string;
  /** The page's own server. */
  readonly home: string | undefined;
  /** An account is gone for good: with what this browser kept of it. */
  readonly forget: (account: string) => void;
};

export class AccountSession implements SessionState {
  readonly phase = signal<Phase>({ is: "loading" });
  readonly account = computed(() => {
    const phase = this.phase.value;
    return phase.is === "signed_in" ? phase.account : undefined;
  });
  readonly isAdmin = computed(() => this.account.value?.admin === true);
  readonly hello = signal<Hello | undefined>(undefined);
  readonly elsewhere = computed(() =>
    elsewhereOf(this.hello.value?.servers ?? this.#parts.keep.readJson(SERVERS), this.#parts.home),
  );
  #attachedTo: string | undefined;
  readonly #parts: SessionParts;
  readonly #client: Client;
  /** Why a sign-out that comes is no surprise. */
  #ending: "own" | "elsewhere" | undefined;
  #isFollowing = false;
  #asking: Promise<void> | undefined;
  #stopped = false;
  readonly #ends: (() => void)[];

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#client = parts.client;
    this.#ends = [
      this.#client.on("signed_in", ({ account }) => this.#signedIn(account)),
      this.#client.on("signed_out", ({ reason, code }) => this.#signedOut(reason, code)),
      parts.kept.onElsewhere(() => void this.#follow()),
      this.#client.on("connection", ({ error, state, name }) => {
        if (error?.code === "unauthorized") void this.#forget();
        if (state !== "live" || name === this.#attachedTo) return;
        this.#attachedTo = name;
        void this.refreshHello(); // each server has its own view of the others
      }),
    ];
    void this.#begin();
  }

  async signIn(params: { name: string; password: string }): Promise<void> {
    const label = this.#parts.deviceLabel;
    await this.#client.signIn({ ...params, label }, { deadlineMs: SIGN_IN_MS });
    if (this.#parts.place.current.peek().is === "invite") this.#goHome();
  }

  async signUp(params: {
    name: string;
    password: string;
    displayName?: string;
    invitation?: string;
  }): Promise<void> {
    const label = this.#parts.deviceLabel;
    await settled(this.#client, "account.create", { ...params, label }, SIGN_IN_MS);
    this.#parts.place.go({ is: "guide" }, { replace: true });
  }

  async signOut(): Promise<void> {
    this.#ending = "own";
    try {
      await this.#client.signOut();
    } catch {
      this.#parts.alerts.show({
        kind: "warn",
        text:
          "Signed out here, but the server could not be told. The session goes on there until it is " +
          "ended: sign in and look under Settings, Sessions.",
      });
    } finally {
      this.#ending = undefined;
    }
    this.#goHome();
  }

  async deleteAccount(params: { password: string; erase: boolean }): Promise<void> {
    const id = this.account.peek()?.id;
    await this.#client.call("account.delete", params);
    if (id !== undefined) this.#parts.forget(id);
  }

  async sessions(): Promise<Session[]> {
    return (await this.#client.call("session.list")).sessions;
  }

  async revoke(session: string): Promise<void> {
    await settled(this.#client, "session.revoke", { session });
  }

  async rename(name: string): Promise<void> {
    this.#changed((await settled(this.#client, "account.rename", { name })).account);
  }

  async setDisplayName(displayName: string): Promise<void> {
    this.#changed((await settled(this.#client, "account.update", { displayName })).account);
  }

  async changePassword(password: string, newPassword: string): Promise<void> {
    await this.#client.call("account.password", { password, newPassword });
  }

  refreshHello(): Promise<void> {
    this.#asking ??= this.#client
      .call("server.hello", {})
      .then((hello) => {
        this.hello.value = hello;
        this.#keepServers();
      })
      .catch(() => this.#helloLater())
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  /** The own account changed how it is shown, or in something that only asking tells. */
  accountChanged(author: Author): void {
    const account = this.account.peek();
    if (account?.id !== author.id || author.deleted === true) return;
    this.#changed({ ...account, name: author.name, displayName: author.displayName ?? "" });
    void this.#askWhetherAdmin();
  }

  /** Servers came, went or changed state. */
  serversChanged(servers: Hello["servers"]): void {
    const hello = this.hello.peek();
    if (hello === undefined) return;
    this.hello.value = { ...hello, servers };
    this.#keepServers();
  }

  /** Too much was missed to hear of each change. */
  reread(): void {
    if (this.#client.account !== undefined) this.#changed(this.#client.account);
  }

  stop(): void {
    this.#stopped = true;
    for (const end of this.#ends) end();
  }

  #keepServers(): void {
    const others = this.elsewhere.peek();
    this.#parts.keep.write(SERVERS, others.length === 0 ? undefined : JSON.stringify(others));
    this.#parts.joined.heard(others);
  }

  // How it begins.

  async #begin(): Promise<void> {
    await this.#client.ready;
    if (this.phase.peek().is !== "loading" || this.#stopped) return;
    if (this.#client.token === undefined) {
      this.phase.value = { is: "signed_out" };
      void this.refreshHello();
      return;
    }
    // Whoever reloads without a server sees what waits to be sent, not a way in.
    const known = this.#parts.keep.readJson(ACCOUNT) as Partial<Account> | undefined;
    const { account } = this.#parts.kept.kept ?? {};
    if (known?.id !== account || typeof known?.name !== "string") return;
    this.phase.value = { is: "signed_in", account: { displayName: "", ...known } as Account };
  }

  #signedIn(account: Account): void {
    this.#changed(account);
    void this.refreshHello();
  }

  #changed(account: Account): void {
    this.phase.value = { is: "signed_in", account };
    this.#parts.keep.write(ACCOUNT, JSON.stringify(account));
  }

  // How it ends.

  #signedOut(reason: string, code: RefusalCode): void {
    const before = this.account.peek();
    const ending = this.#ending;
    if (ending !== "elsewhere") this.#parts.keep.write(ACCOUNT, undefined);
    if (before !== undefined && /the account was deleted/.test(reason)) {
      this.#parts.forget(before.id);
    }
    if (ending === "own") this.phase.value = { is: "signed_out" };
    else if (ending === "elsewhere") this.phase.value = { is: "loading" };
    else this.phase.value = { is: "signed_out", reason: reasonOf(code, reason) };
    void this.refreshHello();
  }

  /** The page's server is another cluster's now: there the session is good for nothing. */
  async #forget(): Promise<void> {
    await this.#client.forget();
  }

  #goHome(): void {
    this.#parts.place.go(HOME, { replace: true });
  }

  // What other tabs did.

  async #follow(): Promise<void> {
    if (this.#isFollowing) return; // whoever runs it looks again
    this.#isFollowing = true;
    await this.#client.ready;
    for (;;) {
      const wanted = this.#parts.kept.kept?.account;
      if (wanted === this.#present || this.#stopped) break;
      if (!(await this.#become(wanted))) break;
    }
    this.#isFollowing = false;
  }

  /** Whom this tab acts for, or is about to. */
  get #present(): string | undefined {
    if (this.#client.token === undefined) return undefined;
    return this.#client.account?.id ?? this.account.peek()?.id;
  }

  async #become(account: string | undefined): Promise<boolean> {
    let isDone = true;
    this.#ending = "elsewhere";
    this.phase.value = { is: "loading" };
    await this.#parts.kept.follow(async () => {
      try {
        if (account === undefined) await this.#client.forget();
        else await this.#client.resume(COOKIE);
      } catch {
        isDone = false;
      }
      await this.#client.flush();
    });
    this.#ending = undefined;
    if (this.#client.token === undefined) {
      const reason =
        account === undefined ? "You signed out in another tab." : reasonOf("unauthorized", "");
      this.phase.value = { is: "signed_out", reason };
    }
    return isDone;
  }

  // What only asking tells.

  #helloLater(): void {
    if (this.#stopped || this.phase.peek().is === "signed_in") return;
    this.#parts.clock.schedule(HELLO_AGAIN_MS, () => {
      if (!this.#stopped && this.phase.peek().is !== "signed_in") void this.refreshHello();
    });
  }

  /** Rights are in no event, but an event says that something changed. */
  async #askWhetherAdmin(): Promise<void> {
    const isAdmin = await this.#client.call("setting.read").then(
      () => true,
      (error: { code?: RefusalCode }) => (error.code === "forbidden" ? false : undefined),
    );
    const account = this.account.peek();
    if (account === undefined || isAdmin === undefined) return;
    if (isAdmin === (account.admin === true)) return;
    const { admin: _, ...rest } = account;
    this.#changed(isAdmin ? { ...rest, admin: true } : rest);
  }
}

/** What is kept was written by anybody: only addresses of pages are taken, and none without TLS from one with it. */
function elsewhereOf(servers: unknown, home: string | undefined): Elsewhere[] {
  if (!Array.isArray(servers) || home === undefined) return [];
  const own = new URL(home);
  return servers.flatMap(({ name, url }: Partial<Elsewhere>) => {
    const at = typeof url === "string" && URL.canParse(url) ? new URL(url) : undefined;
    if (at === undefined || typeof name !== "string" || at.origin === own.origin) return [];
    const isFit = at.protocol === "https:" || (at.protocol === "http:" && own.protocol === "http:");
    return isFit ? [{ name, url: at.href }] : [];
  });
}
