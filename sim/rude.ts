/**
 * A client without manners, over bare sockets: asks several servers the same thing at once, repeats what was
 * answered, uses an id again for something else, leaves in the middle, sends nonsense and floods.
 *
 * It acts for somebody's account by their token. What becomes of its writes is judged by what lies on the disks:
 * one effect of each id.
 */
import { type RequestId, requestIdFrom } from "../src/core/ids.ts";
import { BareClient, type BareWorld, request } from "./bare-client.ts";
import type { Chance } from "./chance.ts";
import type { Person } from "./person.ts";
import type { Sometimes } from "./sometimes.ts";

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

export type RudeWorld = BareWorld & {
  readonly sometimes: Sometimes;
  readonly people: readonly Person[];
};

export class Rude {
  readonly chance: Chance;
  private readonly world: RudeWorld;
  private readonly bare: BareClient;
  private readonly asked: Asked[] = [];
  private made = 0;

  constructor(host: string, world: RudeWorld, chance: Chance) {
    this.world = world;
    this.chance = chance;
    this.bare = new BareClient(host, world, chance);
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
    const text = `r${++this.made} by ${this.bare.host}`;
    const asked = { id, method: "message.post", params: { to: "#lobby", text } };
    this.asked.push(asked);
    return asked;
  }

  /** Over so many connections at once, to servers at random. */
  private ask(token: string, asked: Asked, connections: number, what: string): void {
    for (let i = 0; i < connections; i++) {
      this.bare.open(this.anywhere(), (socket) => {
        request(socket, 1, "session.resume", { token });
        request(socket, 2, asked.method, { ...asked.params, id: asked.id });
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
    this.bare.open(this.anywhere(), (socket) => {
      for (let i = 0; i < 30; i++) socket.send(this.chance.pick(NONSENSE));
    });
    this.world.sometimes.happened("sent nonsense");
  }

  private flood(token: string): void {
    this.bare.open(this.anywhere(), (socket) => {
      request(socket, 1, "session.resume", { token });
      for (let i = 0; i < FLOOD_FRAMES; i++) request(socket, i + 2, "server.ping", {});
    });
    this.world.sometimes.happened("flooded");
  }

  private anywhere(): string {
    return this.chance.pick(this.world.urls);
  }
}
