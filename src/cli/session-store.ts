/**
 * What is remembered between two commands: which servers, as whom, by which token; and for the chat how far
 * this device has read and what still has to go out.
 *
 * One folder for each cluster, called by the cluster's id, so that several servers' sessions stand side by
 * side, and a token can never be sent to another cluster than its own:
 *
 *     current                            id of the cluster that was used last
 *     clusters/ID/session.json           addresses, account, token
 *     clusters/ID/chat/ACCOUNT/KEY.json  cursor, outbox and place of the chat
 *
 * Rejected: one list of sessions in one file (two commands at once would lose one of their changes).
 */
import type { ConfigFolder } from "./config-folder.ts";

export type KeptSession = {
  readonly cluster: string;
  /** Addresses, the preferred one first. */
  readonly servers: readonly string[];
  readonly account: { readonly id: string; readonly name: string };
  readonly token: string;
};

/** The SDK's storage port, without waiting. */
export type FileStorage = {
  list(prefix: string): [string, string][];
  set(key: string, value: string | undefined): void;
};

export class SessionStore {
  private readonly folder: ConfigFolder;

  constructor(folder: ConfigFolder) {
    this.folder = folder;
  }

  /** The session that was used last. */
  current(): KeptSession | undefined {
    const cluster = this.folder.read("current")?.trim();
    return cluster ? this.of(cluster) : undefined;
  }

  of(cluster: string): KeptSession | undefined {
    const session = parse(this.folder.read(`${clusterFolder(cluster)}/session.json`));
    return session?.cluster === cluster ? session : undefined;
  }

  all(): KeptSession[] {
    return this.folder
      .list("clusters")
      .map((name) => parse(this.folder.read(`clusters/${name}/session.json`)))
      .filter((session) => session !== undefined);
  }

  /** Remembers it, and that it was used last. */
  keep(session: KeptSession): void {
    const text = `${JSON.stringify({ version: 1, ...session }, null, 2)}\n`;
    this.folder.write(`${clusterFolder(session.cluster)}/session.json`, text);
    this.folder.write("current", `${session.cluster}\n`);
  }

  /** These addresses are this cluster's now: sessions of others that were found there are not any more. */
  takeOver(cluster: string, servers: readonly string[]): void {
    for (const session of this.all()) {
      const rest = session.servers.filter((url) => !servers.includes(url));
      if (session.cluster === cluster || rest.length === session.servers.length) continue;
      if (rest.length === 0) this.forget(session);
      else this.keep({ ...session, servers: rest });
    }
  }

  /** Forgets a session, unless another one took its place meanwhile. */
  forget(session: KeptSession): void {
    if (this.of(session.cluster)?.token !== session.token) return;
    this.folder.remove(`${clusterFolder(session.cluster)}/session.json`);
    if (this.folder.read("current")?.trim() === session.cluster) this.folder.remove("current");
  }

  /** For the SDK: the session alone. What a one-shot command reads must not move the chat's cursor. */
  sessionStorage(session: KeptSession): FileStorage {
    const { token, account, cluster } = session;
    const value = JSON.stringify({ token, account: account.id, cluster });
    return {
      list: (prefix): [string, string][] =>
        "session".startsWith(prefix) ? [["session", value]] : [],
      set: (key, text) => {
        if (key === "session" && text === undefined) this.forget(session);
      },
    };
  }

  /** For the SDK of the chat: session, cursor and, with `outbox`, what has to go out. */
  chatStorage(session: KeptSession, outbox: boolean): FileStorage {
    const base = this.sessionStorage(session);
    const folder = this.chatFolder(session);
    const isKept = (key: string) => key === "cursor" || (outbox && key.startsWith("outbox/"));
    return {
      list: (prefix): [string, string][] => {
        const found = base.list(prefix);
        for (const name of this.folder.list(folder)) {
          const key = name.replace(/\.json$/, "").replace("outbox-", "outbox/");
          if (!key.startsWith(prefix) || !isKept(key)) continue;
          const text = this.folder.read(`${folder}/${name}`);
          if (text !== undefined) found.push([key, text]);
        }
        return found;
      },
      set: (key, text) => {
        if (key === "session") base.set(key, text);
        if (!isKept(key)) return;
        const name = `${folder}/${key.replace("/", "-")}.json`;
        if (text === undefined) this.folder.remove(name);
        else this.folder.write(name, text);
      },
    };
  }

  /** The conversation that the chat was in. */
  place(session: KeptSession): { id: string; name: string } | undefined {
    try {
      const text = this.folder.read(`${this.chatFolder(session)}/place.json`);
      const { id, name } = JSON.parse(text ?? "null") ?? {};
      return typeof id === "string" && typeof name === "string" ? { id, name } : undefined;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  keepPlace(session: KeptSession, { id, name }: { id: string; name: string }): void {
    const text = `${JSON.stringify({ id, name })}\n`;
    this.folder.write(`${this.chatFolder(session)}/place.json`, text);
  }

  private chatFolder(session: KeptSession): string {
    return `${clusterFolder(session.cluster)}/chat/${fileName(session.account.id)}`;
  }
}

/** Ids come from a server: whatever they are, they name a file below the folder. */
function fileName(id: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id)) return id;
  return `x-${new Bun.CryptoHasher("sha256").update(id).digest("hex").slice(0, 40)}`;
}

function clusterFolder(cluster: string): string {
  return `clusters/${fileName(cluster)}`;
}

function parse(text: string | undefined): KeptSession | undefined {
  let value: Partial<KeptSession> | null;
  try {
    value = JSON.parse(text ?? "null");
  } catch {
    return undefined; // damaged: as if signed out
  }
  const { cluster, servers, account, token } = value ?? {};
  if (typeof cluster !== "string" || typeof token !== "string") return undefined;
  if (typeof account?.id !== "string" || typeof account.name !== "string") return undefined;
  if (!Array.isArray(servers) || !servers.every((url) => typeof url === "string")) return undefined;
  return { cluster, servers, account: { id: account.id, name: account.name }, token };
}
