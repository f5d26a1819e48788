/**
 * A client without manners, over bare sockets: asks several servers the same thing at once, repeats what was
 * answered, uses an id again for something else, leaves in the middle, sends nonsense and floods.
 *
 * It acts for somebody's account by their token. What becomes of its writes is judged by what lies on the disks:
 * one effect of each id.
 */
import type { Socket } from "../src/client/index.ts";
import { type RequestId, requestIdFrom } from "../src/core/ids.ts";
import type { Chance } from "./chance.ts";
import { socketsOf } from "./client-lines.ts";
import { ProcessClock, type Time } from "./clock.ts";
import type { Network, Process } from "./network.ts";
import type { Person } from "./person.ts";
import type { Sometimes } from "./sometimes.ts";

const STAY_MS: readonly [number, number] = [5, 3_000];
const FLOOD_FRAMES = 300;
const NONSENSE = [
  "",
  "{",
  "[]",
  "null",
  '{"jsonrpc":"2.0","id":1}',
  '"text"',
  "\u0000\u0001",
  "{}".repeat(99),
];

type Asked = { readonly id: RequestId; readonly method: string; readonly params: object };

export type RudeWorld = {
  readonly time: Time;
  readonly network: Network;
  readonly sometimes: Sometimes;
  readonly urls: readonly string[];
  readonly people: readonly Person[];
};

export class Rude {
  readonly chance: Chance;
  private readonly world: RudeWorld;
  private readonly process: Process;
  private readonly asked: Asked[] = [];
  private made = 0;

  constructor(host: string, world: RudeWorld, chance: Chance) {
    this.world = world;
    this.chance = chance;
    this.process = { host, clock: new ProcessClock(world.time, 0, 1) };
  }

  act(): void {
    const { chance } = this;
    const token = chance.pick(this.world.people).client?.token;
    if (token === undefined) return;
    const doing = chance.next();
    if (doing < 0.35) this.ask(token, this.post(), 2, "asked several servers at once");
    else if (doing < 0.6) this.repeat(token);
    else if (doing < 0.8) this.reuse(token);
    else if (doing < 0.9) this.babble();
    else this.flood(token);
  }

  private post(): Asked {
    const id = requestIdFrom(1_700_000_000_000 + this.world.time.nowMs, this.chance.bytes(10));
    const text = `r${++this.made} by ${this.process.host}`;
    const asked = { id, method: "message.post", params: { to: "#lobby", text } };
    this.asked.push(asked);
    return asked;
  }

  /** Over so many connections at once, to servers at random. */
  private ask(token: string, asked: Asked, connections: number, what: string): void {
    for (let i = 0; i < connections; i++) {
      this.open((socket) => {
        this.request(socket, 1, "session.resume", { token });
        this.request(socket, 2, asked.method, { ...asked.params, id: asked.id });
      });
    }
    this.world.sometimes.happened(what);
  }

  private repeat(token: string): void {
    if (this.asked.length === 0) return;
    const asked = this.chance.pick(this.asked.slice(-20));
    this.ask(token, asked, 1 + this.chance.below(2), "repeated what was asked before");
  }

  private reuse(token: string): void {
    if (this.asked.length === 0) return;
    const { id } = this.chance.pick(this.asked.slice(-20));
    const other = {
      id,
      method: "message.post",
      params: { to: "#lobby", text: `other ${this.made}` },
    };
    this.ask(token, other, 1, "used an id again for something else");
  }

  private babble(): void {
    this.open((socket) => {
      for (let i = 0; i < 30; i++) socket.send(this.chance.pick(NONSENSE));
    });
    this.world.sometimes.happened("sent nonsense");
  }

  private flood(token: string): void {
    this.open((socket) => {
      this.request(socket, 1, "session.resume", { token });
      for (let i = 0; i < FLOOD_FRAMES; i++) this.request(socket, i + 2, "server.ping", {});
    });
    this.world.sometimes.happened("flooded");
  }

  private open(act: (socket: Socket) => void): void {
    const Socket = socketsOf(this.world.network, this.process);
    const url = this.chance.pick(this.world.urls).replace("http", "ws");
    const socket = new Socket(`${url}/v1/ws`);
    let isOver = false;
    socket.addEventListener("close", () => {
      isOver = true;
    });
    socket.addEventListener("open", () => act(socket));
    this.process.clock.schedule(this.chance.between(...STAY_MS), () => {
      if (!isOver) socket.close();
    });
  }

  private request(socket: Socket, id: number, method: string, params: object): void {
    socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
  }
}
