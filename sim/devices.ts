/**
 * Second devices of people: what they and the first do meets on two servers at one moment, each of which knows
 * nothing of the other yet.
 *
 * People of workload.ts ask one server at a time, so two writes of one field are hardly ever equal in what they
 * knew; here they are. What each server was asked last is chance: what counts must not be.
 */

import { type RequestId, requestIdFrom } from "../src/core/ids.ts";
import type { BareWorld } from "./bare-client.ts";
import { BareClient, request } from "./bare-client.ts";
import type { Chance } from "./chance.ts";
import type { Person, Write } from "./person.ts";
import type { Sometimes } from "./sometimes.ts";

const CHANNEL_NAMES = ["ops", "tea"] as const;

export type DevicesWorld = BareWorld & {
  readonly sometimes: Sometimes;
  readonly people: readonly Person[];
  readonly writes: readonly Write[];
};

type Asked = {
  readonly by: string;
  readonly method: string;
  readonly params: object;
  /** Another one for each, unless given. */
  readonly id?: RequestId;
};

export class Devices {
  readonly chance: Chance;
  private readonly world: DevicesWorld;
  private readonly bare: BareClient;
  private made = 0;

  constructor(host: string, world: DevicesWorld, chance: Chance) {
    this.world = world;
    this.chance = chance;
    this.bare = new BareClient(host, world, chance);
  }

  act(): void {
    const { chance } = this;
    const person = chance.pick(this.world.people);
    const token = person.client?.token;
    if (token === undefined) return;
    const doing = chance.next();
    if (doing < 0.4) this.edits(person, token);
    else if (doing < 0.65) this.standings(token);
    else if (doing < 0.8) this.names(token);
    else this.repeats(token);
  }

  /** One message is sent through all servers at once, and again before any of them can know of the others. */
  private repeats(token: string): void {
    const id = this.newId();
    const params = { to: "#lobby", text: `e${++this.made}` };
    const asked = this.world.urls.map(() => ({ by: token, method: "message.post", params, id }));
    this.meet(asked);
    for (let i = 0; i < 3; i++) {
      this.world.time.at(this.chance.between(0, 8), () => this.meet(asked));
    }
    this.world.sometimes.happened("one message was sent through all servers, and again");
  }

  private newId(): RequestId {
    return requestIdFrom(1_700_000_000_000 + this.world.time.nowMs, this.chance.bytes(10));
  }

  /** Two people want one name. */
  private names(token: string): void {
    const other = this.chance.pick(this.world.people).client?.token;
    if (other === undefined || other === token) return;
    const params = { name: `race${++this.made}` };
    this.meet([token, other].map((by) => ({ by, method: "channel.create", params })));
    this.world.sometimes.happened("two people wanted one name at once");
  }

  /** One message gets another text on each. */
  private edits(person: Person, token: string): void {
    const own = this.world.writes.filter(
      ({ person: host, method, message }) =>
        host === person.host && method === "message.post" && message !== undefined,
    );
    if (own.length === 0) return;
    const { message } = this.chance.pick(own.slice(-8));
    const edit = (): Asked => ({
      by: token,
      method: "message.edit",
      params: { message, text: `d${++this.made} of ${person.host}` },
    });
    this.meet([edit(), edit()]);
    this.world.sometimes.happened("two devices edited one message");
  }

  /** In on the one, out on the other. */
  private standings(token: string): void {
    const params = { in: `#${this.chance.pick(CHANNEL_NAMES)}` };
    this.meet(["channel.join", "channel.leave"].map((method) => ({ by: token, method, params })));
    this.world.sometimes.happened("two devices joined and left one channel");
  }

  /** Each asks a server of its own, at once. */
  private meet(asked: readonly Asked[]): void {
    const urls = this.chance.shuffle(this.world.urls);
    for (const [i, { by, method, params, id = this.newId() }] of asked.entries()) {
      this.bare.open(urls[i % urls.length] as string, (socket) => {
        request(socket, 1, "session.resume", { token: by });
        request(socket, 2, method, { ...params, id });
      });
    }
  }
}
