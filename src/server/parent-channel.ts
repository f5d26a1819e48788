/**
 * What the process that started this server says to it, and hears: `holdfast demo` runs several.
 *
 * Problem: a link between two servers of one machine can't be cut from outside without rights of the system,
 * and servers must not outlive a demo that was killed. Approach: the channel that a process has to its child
 * (IPC): nobody else can reach it, and it closes with the parent. Other programs that start servers use such
 * channels for words of their own, and may close them: only a parent that has spoken ours is followed.
 * Rejected: a method of the protocol for the operator (it would be there on every server, for ever).
 */
import { isServerName } from "../core/ids.ts";
import { SERVERS_MAX } from "../core/limits.ts";
import type { RunningServer } from "./start.ts";

/** From the parent: links with these servers are down from now on, and no others. Also when it begins. */
export type Severed = { readonly holdfast: "severed"; readonly servers: readonly string[] };

/** To the parent: it serves. */
export type Serving = Pick<RunningServer, "url" | "localUrl" | "setup"> & {
  readonly holdfast: "serving";
};

export class ParentChannel {
  /** Resolves when a parent that spoke to us has gone. */
  readonly gone: Promise<void>;
  private severed: ReadonlySet<string> = new Set();
  private server: RunningServer | null = null;

  constructor() {
    const gone = Promise.withResolvers<void>();
    this.gone = gone.promise;
    if (process.send === undefined) return;
    let isOurs = false;
    process.on("message", (message) => {
      const servers = severedIn(message);
      if (servers === null) return;
      isOurs = true;
      this.severed = servers;
      this.server?.sever(servers);
    });
    process.on("disconnect", () => {
      if (isOurs) gone.resolve();
    });
  }

  serving(server: RunningServer): void {
    this.server = server;
    server.sever(this.severed);
    const { url, localUrl, setup } = server;
    if (process.connected) process.send?.({ holdfast: "serving", url, localUrl, setup });
  }
}

/** null for what is not ours. */
function severedIn(message: unknown): Set<string> | null {
  const { holdfast, servers } = (message ?? {}) as Partial<Severed>;
  if (holdfast !== "severed" || !Array.isArray(servers) || servers.length > SERVERS_MAX)
    return null;
  return servers.every((name) => typeof name === "string" && isServerName(name))
    ? new Set(servers)
    : null;
}
