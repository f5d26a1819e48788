/**
 * The line between a browser and a server, as a TCP relay that fails the way networks do.
 *
 * A browser's own offline switch is not enough: Chromium leaves open WebSockets alone, what the page sends
 * still arrives, and what comes down is only withheld. So a test takes both: the switch for what the page is
 * told, the line for what happens.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * `whole`: everything passes. `cut`: connections are broken, and new ones too, at once. `silent`: nothing
 * passes and nobody is told, as out of range of a radio. `deaf`: what goes up arrives, nothing comes down.
 */
export type LineState = "whole" | "cut" | "silent" | "deaf";

export class Line {
  readonly url: string;
  private state: LineState = "whole";
  private delayMs = 0;
  private readonly due = new WeakMap<Socket, number>();
  private target = 0;
  private readonly server: Server;
  private readonly ends = new Set<Socket>();
  private readonly pairs = new Set<() => void>();

  private constructor(server: Server) {
    this.server = server;
    const { port } = server.address() as { port: number };
    this.url = `http://127.0.0.1:${port}`;
    server.on("connection", (near) => this.join(near));
  }

  static open(): Promise<Line> {
    return new Promise((resolve) => {
      const server = createServer();
      server.listen(0, "127.0.0.1", () => resolve(new Line(server)));
    });
  }

  /** Where the other end is, from now on. */
  lead(port: number): void {
    this.target = port;
  }

  /** What comes down comes so much later, from now on. */
  slow(delayMs: number): void {
    this.delayMs = delayMs;
  }

  become(state: LineState): void {
    this.state = state;
    if (state === "cut") for (const end of [...this.ends]) end.destroy();
    // A connection that was silent for a while would now deliver a torn stream: it is gone instead.
    if (state === "whole") for (const tear of [...this.pairs]) tear();
  }

  close(): void {
    this.become("cut");
    this.server.close();
  }

  /** In order, also when the line has just become faster. */
  private later(to: Socket, piece: Buffer | string): void {
    const now = performance.now();
    const due = Math.max(now + this.delayMs, this.due.get(to) ?? 0);
    this.due.set(to, due);
    if (due <= now) to.write(piece);
    else setTimeout(() => to.write(piece), due - now);
  }

  private join(near: Socket): void {
    if (this.state === "cut") {
      near.destroy();
      return;
    }
    const far = connect(this.target, "127.0.0.1");
    let torn = false;
    const tear = () => {
      if (!torn) return;
      near.destroy();
      far.destroy();
    };
    this.pairs.add(tear);
    const carry = (from: Socket, to: Socket, isDown: boolean) => {
      this.ends.add(from);
      from.on("data", (piece) => {
        if (this.state === "silent" || (this.state === "deaf" && isDown)) torn = true;
        else if (isDown) this.later(to, piece);
        else to.write(piece);
      });
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.ends.delete(from);
        if (this.state === "whole" || this.state === "cut") {
          this.pairs.delete(tear);
          to.destroy();
        } else torn = true; // the other end hears nothing of it
      });
    };
    carry(near, far, false);
    carry(far, near, true);
  }
}
