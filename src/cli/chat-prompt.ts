/**
 * What stands before the typed line: where it goes, and whether it goes at once.
 *
 * The connection is told quietly: short breaks show here only; a notice comes when every server was tried in
 * vain, when one is back after that, and when it is another one than before.
 */
import type { Client, ConnectionStatus } from "../client/index.ts";

export class ChatPrompt {
  private readonly client: Pick<Client, "connection" | "outbox">;
  private readonly set: (text: string) => void;
  private name = "";
  private wasLive = false;
  /** The server of the last live connection. */
  private server: string | undefined;
  private isAway = false;
  private ended = false;

  constructor(client: Pick<Client, "connection" | "outbox">, set: (text: string) => void) {
    this.client = client;
    this.set = set;
  }

  place(name: string | undefined): void {
    this.name = name ?? "";
    this.refresh();
  }

  end(): void {
    this.ended = true;
  }

  refresh(): void {
    if (!this.ended) this.set(`${this.name}${this.remark()}> `);
  }

  /** What to say about a change of the connection, if anything. */
  told({ state, name, error }: ConnectionStatus): string | undefined {
    if (state === "waiting" && !this.isAway) {
      this.isAway = true;
      const why = error === undefined ? "" : ` (${error.message})`;
      return `no server can be reached${why}: what you type waits here and goes out by itself`;
    }
    if (state !== "live") return undefined;
    const { isAway, server } = this;
    this.isAway = false;
    this.server = name ?? server;
    if (isAway) return `connected again${name === undefined ? "" : `, to ${name}`}`;
    const hasMoved = server !== undefined && name !== undefined && name !== server;
    return hasMoved ? `on server ${name} now` : undefined;
  }

  private remark(): string {
    const { state } = this.client.connection;
    if (state === "live") this.wasLive = true;
    const waiting = this.client.outbox.entries.filter((entry) => entry.state !== "failed").length;
    const words: string[] = [];
    if (state !== "live") words.push(this.wasLive || this.isAway ? "away" : "connecting");
    if (state !== "live" && waiting > 0) words.push(`${waiting} waiting`);
    if (words.length === 0) return "";
    return `${this.name === "" ? "" : " "}(${words.join(", ")})`;
  }
}
