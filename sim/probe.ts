/** Somebody who knows one server only signs up there and is answered: it takes writes. */
import { type Client, createClient, HoldfastError } from "../src/client/index.ts";
import { requestIdFrom } from "../src/core/ids.ts";
import type { Chance } from "./chance.ts";
import { socketsOf } from "./client-lines.ts";
import { ProcessClock, type Time } from "./clock.ts";
import type { Network, Process } from "./network.ts";
import type { SimServer } from "./server.ts";

export type ProbeWorld = {
  readonly time: Time;
  readonly network: Network;
  readonly chance: Chance;
};

export class Probe {
  private readonly world: ProbeWorld;
  private readonly process: Process;
  private readonly client: Client;
  private readonly params: { name: string; password: string; id: string };

  constructor(world: ProbeWorld, { name, url }: SimServer) {
    const { time, network, chance } = world;
    const clock = new ProcessClock(time, 0, 1);
    this.world = world;
    this.process = { host: `of-probe-${name}-${time.nowMs}`, clock };
    this.client = createClient({
      servers: [url],
      learnServers: false,
      WebSocket: socketsOf(network, this.process),
      clock: {
        monotonicMs: () => clock.monotonicMs(),
        wallMs: () => clock.wallMs(),
        schedule: (ms, run) => {
          const timer = clock.schedule(ms, run);
          return () => timer.cancel();
        },
      },
      random: chance.fork(),
    });
    const id = requestIdFrom(1_700_000_000_000, chance.bytes(10));
    this.params = {
      name: `probe-${name}-${Math.floor(time.nowMs)}`,
      password: "correct horse",
      id,
    };
  }

  /** Resolves once it is done; what may be tried again is. */
  async write(): Promise<void> {
    const { clock } = this.process;
    for (;;) {
      try {
        await this.client.call("account.create", this.params as never);
        return;
      } catch (error) {
        if (!(error instanceof HoldfastError) || !error.retry) throw error;
        await new Promise<void>((resolve) => clock.schedule(error.retryAfterMs ?? 500, resolve));
      }
    }
  }

  end(): void {
    this.process.clock.kill();
    this.world.network.gone(this.process);
  }
}
