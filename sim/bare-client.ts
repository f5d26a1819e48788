/** Somebody who speaks the protocol over bare sockets, by the token of an account, and leaves when they like. */
import type { Socket } from "../src/client/index.ts";
import type { Chance } from "./chance.ts";
import { socketsOf } from "./client-lines.ts";
import { ProcessClock, type Time } from "./clock.ts";
import type { Network, Process } from "./network.ts";

const STAY_MS: readonly [number, number] = [5, 3_000];

export type BareWorld = {
  readonly time: Time;
  readonly network: Network;
  readonly urls: readonly string[];
};

export class BareClient {
  readonly chance: Chance;
  readonly host: string;
  private readonly network: Network;
  private readonly process: Process;

  constructor(host: string, { network, time }: BareWorld, chance: Chance) {
    this.host = host;
    this.network = network;
    this.chance = chance;
    this.process = { host, clock: new ProcessClock(time, 0, 1) };
  }

  open(url: string, act: (socket: Socket) => void): void {
    const Socket = socketsOf(this.network, this.process);
    const socket = new Socket(`${url.replace("http", "ws")}/v1/ws`);
    let isOver = false;
    socket.addEventListener("close", () => {
      isOver = true;
    });
    socket.addEventListener("open", () => act(socket));
    this.process.clock.schedule(this.chance.between(...STAY_MS), () => {
      if (!isOver) socket.close();
    });
  }
}

export function request(socket: Socket, id: number, method: string, params: object): void {
  socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
}
