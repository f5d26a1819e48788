/** Servers of one cluster as processes, for the drill, the bench and the tests on hosts of their own. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type End,
  ServerChild,
  type ServerListener,
  type ServerPlace,
} from "../src/cli/demo/server-child.ts";
import type { ClusterStatus } from "../src/cli/status-text.ts";
import { KEY_FILES } from "../src/mesh/server-key.ts";
import { formatHostPort, type HostPort } from "../src/server/address.ts";
import { callServer, operatorTokenIn } from "../src/server/operator.ts";
import { realClock, realHash } from "../src/server/platform.ts";
import { REMEMBERED_FILES } from "../src/server/remembered.ts";
import { makeSecret, readSecret, SECRET_FILE } from "../src/server/secret.ts";
import { openStore } from "../src/storage/store.ts";
import { SqliteView } from "../src/storage/view.ts";

const MAIN = join(import.meta.dir, "..", "src", "cli", "main.ts");
export const PROGRAM: readonly string[] = [process.execPath, "--no-env-file", MAIN];
const LOOK_INTERVAL_MS = 100;
const TICKS_PER_SECOND = 100;

export type Site = {
  readonly name: string;
  readonly listen: HostPort;
  /** A command that runs ours somewhere else. */
  readonly by: readonly string[];
  /** Another program than that of this checkout, such as the built executable. */
  readonly program?: readonly string[];
  /** Where it keeps everything; a folder called like it unless told otherwise. */
  readonly data?: string;
};

type Server = ClusterStatus["servers"][number];

export class Cluster implements ServerListener {
  readonly servers: readonly ServerChild[];
  /** Ends that nobody asked for. */
  readonly deaths: string[] = [];
  private readonly secretFile: string;
  private readonly waiting = new Map<ServerChild, (problem: Error | null) => void>();

  constructor(folder: string, sites: readonly Site[], options: readonly string[] = []) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.secretFile = join(folder, SECRET_FILE);
    if (readSecret(this.secretFile) === null) makeSecret(this.secretFile);
    this.servers = sites.map(
      ({ name, listen, by, program = PROGRAM, data = join(folder, name) }) => {
        const place: ServerPlace = {
          command: [...by, ...program],
          name,
          listen,
          peers: sites.filter((other) => other.name !== name).map((other) => other.listen),
          data,
          secretFile: this.secretFile,
          logFile: join(folder, `${name}.log`),
          options,
        };
        return new ServerChild(place, this);
      },
    );
  }

  get(name: string): ServerChild {
    const server = this.servers.find((one) => one.name === name);
    if (server === undefined) throw new Error(`no server ${name}`);
    return server;
  }

  get names(): string[] {
    return this.servers.map(({ name }) => name);
  }

  get urls(): string[] {
    return this.names.map((name) => this.url(name));
  }

  url(name: string): string {
    return `http://${formatHostPort(this.get(name).place.listen)}`;
  }

  /** Resolves when all of them serve. */
  async start(names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map((name) => {
        const server = this.get(name);
        server.start([]);
        return new Promise<void>((resolve, reject) => {
          this.waiting.set(server, (problem) => (problem === null ? resolve() : reject(problem)));
        });
      }),
    );
  }

  serving(server: ServerChild): void {
    this.waiting.get(server)?.(null);
    this.waiting.delete(server);
  }

  ended(server: ServerChild, { code, signal, isAsked, lastWords }: End): void {
    if (isAsked) return;
    const death = `${server.name} ended (${signal ?? code}): ${lastWords.join(" | ")}`;
    this.deaths.push(death);
    this.waiting.get(server)?.(new Error(death));
    this.waiting.delete(server);
  }

  /** At once, as a power cut does. */
  async kill(names: readonly string[]): Promise<void> {
    for (const name of names) this.get(name).kill();
    await Promise.all(names.map((name) => this.get(name).gone()));
  }

  /** In good order. */
  async stop(names: readonly string[] = this.names): Promise<void> {
    const open = names.map((name) => this.get(name)).filter(({ state }) => state !== "off");
    for (const server of open) server.stop();
    await Promise.all(open.map((server) => server.gone()));
  }

  /** As one server of this machine sees it; null if it does not answer. */
  async status(name: string): Promise<ClusterStatus | null> {
    const { serving, place } = this.get(name);
    if (serving === null) return null;
    const operated = { name, localUrl: serving.localUrl, token: operatorTokenIn(place.data) };
    const answer = await callServer(operated, "server.status", {}).catch(() => null);
    return answer === null || "error" in answer ? null : (answer.result as ClusterStatus);
  }

  /** Until each of these sees all others of them linked and in sync. */
  async inSync(names: readonly string[] = this.names): Promise<void> {
    await this.seen(names, isInSync);
  }

  /** Until each of these has what the others have; writes may not wait for it yet. */
  async caughtUp(names: readonly string[] = this.names): Promise<void> {
    await this.seen(names, ({ inSync, out }) => inSync || out === "quiet");
  }

  /** Until all have the same: for when nothing is written any more. */
  async settled(names: readonly string[] = this.names): Promise<void> {
    await this.seen(names, ({ lagOps, unheldOps = 0, link }) => {
      return link !== "none" && lagOps === 0 && unheldOps === 0;
    });
  }

  private async seen(names: readonly string[], isGood: (server: Server) => boolean): Promise<void> {
    for (const name of names) {
      for (;;) {
        const servers = (await this.status(name))?.servers ?? [];
        const good = servers.filter(isGood).map((server) => server.name);
        if (names.every((one) => good.includes(one))) break;
        await Bun.sleep(LOOK_INTERVAL_MS);
      }
    }
  }

  /** CPU time that a server's process has used so far, user and system, s. */
  async cpuSeconds(name: string): Promise<number> {
    const text = await Bun.file(`/proc/${this.get(name).pid}/stat`).text();
    const fields = text.split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** The canonical dump of a server that is stopped: equal exactly if they show the same. */
  async dump(name: string): Promise<string[]> {
    const { data } = this.get(name).place;
    const store = await openStore({
      directory: data,
      server: name,
      clusterId: readSecret(this.secretFile)?.cluster ?? "",
      wallMs: realClock.wallMs,
      companions: [...REMEMBERED_FILES, ...KEY_FILES],
      acceptLoss: false,
      release: "drill",
    });
    const { view } = SqliteView.open({ path: store.viewPath, hash: realHash, log: store.log });
    try {
      while (view.catchUp());
      return [...view.dump()];
    } finally {
      view.close();
      await store.close();
    }
  }
}

export function isInSync({ inSync, link }: Server): boolean {
  return inSync && (link === "self" || link === "live");
}
