/**
 * From the command line to a client that a server has answered.
 *
 * Problem: which servers, and as whom, can be said by flags, by the environment, or by what is remembered;
 * and a token must never go to a server of another cluster. Approach: addresses that were named decide which
 * cluster is meant, by what is remembered of them or by asking who they are; the session of that cluster is
 * used, and only of that. Without any, the session that was used last, or a server on this machine.
 */
import { hostname } from "node:os";
import type { Command } from "commander";
import {
  type Client,
  createClient,
  HoldfastError,
  type KeptStorage,
  type Result,
} from "../client/index.ts";
import { SESSION_LABEL_CHARACTERS_MAX } from "../core/limits.ts";
import { ConfigFolder, configPath } from "./config-folder.ts";
import { Unreachable, UsageError } from "./exit.ts";
import { env, err } from "./io.ts";
import { printable } from "./printable.ts";
import { type KeptSession, SessionStore } from "./session-store.ts";

export const DEFAULT_SERVER = "http://127.0.0.1:7300";
const TIMEOUT_S = 10;

export type ReachOptions = {
  readonly server?: string[];
  readonly timeout?: string;
  readonly json?: boolean;
};

/** The options that every command has which talks to a server. */
export function reachOptions(command: Command): Command {
  return command
    .option(
      "--server <url>",
      "address of a server; repeatable (or HOLDFAST_SERVER, separated by commas)",
      (url: string, former: string[] = []) => [...former, url],
    )
    .option("--timeout <seconds>", `give up when nobody answers for so long (${TIMEOUT_S})`)
    .option("--json", "print JSON in the shapes of the protocol");
}

export type Hello = Result<"server.hello">;
export type Reached = { readonly client: Client; readonly hello: Hello };
export type SignedIn = Reached & { readonly session: KeptSession };

export class Reach {
  readonly store: SessionStore;
  readonly timeoutMs: number;
  private readonly named: readonly string[];

  /** Throws UsageError for options that make no sense. */
  constructor(options: ReachOptions) {
    const warn = (text: string) => err(`holdfast: ${printable(text)}`);
    this.store = new SessionStore(new ConfigFolder(configPath(env), warn));
    const seconds = Number(options.timeout ?? TIMEOUT_S);
    if (!(seconds > 0 && seconds <= 86_400)) {
      throw new UsageError("--timeout is a number of seconds, more than 0");
    }
    this.timeoutMs = seconds * 1_000;
    const named = options.server ?? (env.HOLDFAST_SERVER ?? "").split(",");
    this.named = named
      .map((url) => url.trim())
      .filter((url) => url !== "")
      .map(addressOf);
  }

  /** A client without a session, and who answered. */
  async anybody(): Promise<Reached> {
    const remembered = this.store.current()?.servers ?? [DEFAULT_SERVER];
    return this.connect(this.named.length > 0 ? this.named : remembered);
  }

  /** The session that is meant; undefined if none is remembered. */
  async session(): Promise<KeptSession | undefined> {
    if (this.named.length === 0) return this.store.current();
    const known = this.store
      .all()
      .find(({ servers }) => this.named.some((url) => servers.includes(url)));
    const cluster = known?.cluster ?? (await this.clusterOfNamed());
    const session = this.store.of(cluster);
    if (session === undefined) return undefined;
    return { ...session, servers: [...new Set([...this.named, ...session.servers])] };
  }

  /** A client with the session that is meant. Throws HoldfastError `unauthorized` if there is none. */
  async signedIn(): Promise<SignedIn> {
    const session = await this.session();
    if (session === undefined) {
      throw new HoldfastError(
        "unauthorized",
        "not signed in: holdfast sign-in NAME, or holdfast account create NAME",
      );
    }
    return { ...(await this.attach(session)), session };
  }

  private async attach(session: KeptSession): Promise<Reached> {
    let ended: HoldfastError | undefined;
    const storage = this.store.sessionStorage(session);
    const reached = await this.connect(session.servers, storage, (client) => {
      client.on("signed_out", ({ code, reason }) => {
        ended = new HoldfastError(code, `${reason}: sign in again with holdfast sign-in`);
      });
    });
    if (ended !== undefined) {
      await reached.client.close();
      throw ended;
    }
    return reached;
  }

  private async connect(
    servers: readonly string[],
    storage?: KeptStorage,
    before: (client: Client) => void = () => {},
  ): Promise<Reached> {
    const client = open(servers, storage);
    before(client);
    try {
      const deadlineMs = this.timeoutMs;
      return { client, hello: await client.call("server.hello", {}, { deadlineMs }) };
    } catch (error) {
      const why = client.connection.error?.message ?? (error as Error).message;
      await client.close();
      if (!(error instanceof HoldfastError) || error.code !== "unavailable") throw error;
      const anew = why.includes("another cluster")
        ? "; holdfast sign-in NAME signs in there anew"
        : "";
      throw new Unreachable(`no answer from ${servers.join(", ")}: ${why}${anew}`);
    }
  }

  private async clusterOfNamed(): Promise<string> {
    const { client, hello } = await this.connect(this.named);
    await client.close();
    return hello.cluster;
  }

  /** Remembers a session that was just opened, and lets go of the one it replaces. */
  async remember(
    { client, hello }: Reached,
    opened: { readonly account: { id: string; name: string }; readonly token: string },
  ): Promise<KeptSession> {
    const former = this.store.of(hello.cluster);
    const session: KeptSession = {
      cluster: hello.cluster,
      servers: [...new Set([...this.named, ...client.servers])],
      account: { id: opened.account.id, name: opened.account.name },
      token: opened.token,
    };
    this.store.takeOver(session.cluster, session.servers);
    this.store.keep(session);
    if (former !== undefined && former.token !== session.token) await this.end(former);
    return session;
  }

  /** Remembers what was learned meanwhile: addresses, the account's name. */
  keep({ client, session }: Omit<SignedIn, "hello">): void {
    const kept = this.store.of(session.cluster);
    if (kept === undefined || client.token !== kept.token) return; // signed out, or somebody else
    const name = client.account?.name ?? kept.account.name;
    const servers = [...new Set([...session.servers, ...client.servers])].slice(0, 16);
    const isSame = kept.servers.join() === servers.join() && kept.account.name === name;
    const isCurrent = this.store.current()?.cluster === kept.cluster;
    if (!isSame || !isCurrent) {
      this.store.keep({ ...kept, servers, account: { ...kept.account, name } });
    }
  }

  /** Nobody holds its token any more: it need not stay open. Best effort. */
  private async end(session: KeptSession): Promise<void> {
    const client = open(session.servers, undefined, session.token);
    try {
      await client.call("session.close", {}, { deadlineMs: 3_000 });
    } catch {
      // It ends by being revoked, or with the account.
    }
    await client.close();
  }
}

function open(servers: readonly string[], storage?: KeptStorage, token?: string): Client {
  try {
    return createClient({
      servers,
      ...(storage === undefined ? {} : { storage, cursor: null }),
      ...(token === undefined ? {} : { token }),
    });
  } catch (error) {
    throw error instanceof HoldfastError ? new UsageError(error.message) : error;
  }
}

/** `HOST:PORT` is as good as a URL. */
function addressOf(text: string): string {
  const url = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  return url.replace(/\/+$/, "");
}

/** What this device's sessions are called. */
export function sessionLabel(): string {
  return printable(`${hostname()}, terminal`).slice(0, SESSION_LABEL_CHARACTERS_MAX);
}
