/**
 * Processes that do what they are told: one order a line of JSON on standard input, one answer a line on standard
 * output, in turn. They end with their input.
 */
import { linesOf } from "../../sim/many.ts";

type Answer = { readonly outcome?: unknown; readonly error?: string };

/** The side that gives the orders. `Outcomes`: what comes of each kind of order. */
export class OrderedProcess<
  Order extends { readonly do: string },
  Outcomes extends Record<Order["do"], unknown>,
> {
  readonly name: string;
  private readonly child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  private readonly lines: AsyncIterator<string>;
  /** One order at a time. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(name: string, command: readonly string[]) {
    this.name = name;
    this.child = Bun.spawn([...command], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    this.lines = linesOf(this.child.stdout);
  }

  does<One extends Order>(order: One): Promise<Outcomes[One["do"]]> {
    const done = this.last.then(async () => {
      this.child.stdin.write(`${JSON.stringify(order)}\n`);
      const { value, done: isOver } = await this.lines.next();
      if (isOver === true) throw new Error(`${this.name} is gone`);
      const { outcome, error } = JSON.parse(value) as Answer;
      if (error !== undefined) throw new Error(`${this.name}, ${order.do}: ${error}`);
      return outcome as Outcomes[One["do"]];
    });
    this.last = done.catch(() => {});
    return done;
  }

  get pid(): number {
    return this.child.pid;
  }

  async leave(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }
}

/** The side that takes them; returns when there are no more. */
export async function obey<Order>(carryOut: (order: Order) => Promise<unknown>): Promise<void> {
  for await (const line of console) {
    const answer: Answer = await carryOut(JSON.parse(line) as Order).then(
      (outcome) => ({ outcome }),
      (error: Error) => ({ error: error.message }),
    );
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
