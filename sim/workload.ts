/**
 * What people do, through the SDK: write, edit, delete, read, mark as read, make channels, join, leave, ban, rename
 * themselves to names that others want too; and what a rude client does, over bare sockets.
 */
import { HoldfastError } from "../src/client/index.ts";
import type { Chance } from "./chance.ts";
import type { Time } from "./clock.ts";
import { type Pace, quietLeftMs, steady } from "./pace.ts";
import type { Person, Write } from "./person.ts";
import type { Sometimes } from "./sometimes.ts";

const CHANNEL_NAMES = ["lobby", "ops", "tea"] as const;
const FOUGHT_OVER = ["ada", "bob", "eve"] as const;

/** Somebody without the SDK, who does something now and then. */
export interface Stranger {
  readonly chance: Chance;
  act(): void;
}

export type WorkloadWorld = {
  readonly time: Time;
  readonly chance: Chance;
  readonly sometimes: Sometimes;
  readonly people: readonly Person[];
  readonly strangers: readonly Stranger[];
  readonly writes: readonly Write[];
  /** Whether an op that was acknowledged still lies on a disk that its receipt named. */
  isKept(write: Write): boolean;
  isDeletedSomewhere(message: string): boolean;
  /** Whether there is any ban of an account from a channel, lifted or not. */
  wasBanned(channel: string, account: string | null): boolean;
  fail(rule: string, what: string): void;
};

export class Workload {
  isOver = false;
  private readonly world: WorkloadWorld;
  private made = 0;
  private pace: Pace = steady(0);

  constructor(world: WorkloadWorld) {
    this.world = world;
  }

  /** Each person does something about so often from now on. */
  begin(pace: Pace): void {
    this.pace = pace;
    for (const person of this.world.people) {
      this.live(person, 2, () => {
        if (person.isUp && person.process?.clock.isFrozen === false) this.act(person);
      });
    }
    for (const stranger of this.world.strangers) this.live(stranger, 6, () => stranger.act());
  }

  /** Again and again, until it is over or another pace begins. */
  private live({ chance }: { readonly chance: Chance }, most: number, act: () => void): void {
    const { pace } = this;
    const next = () => {
      if (this.isOver || this.pace !== pace) return;
      act();
      later(most);
    };
    const later = (times: number) => {
      const ms = chance.between(0, times * pace.everyMs);
      this.world.time.at(ms + quietLeftMs(pace, this.world.time.nowMs + ms), next);
    };
    later(1);
  }

  private act(person: Person): void {
    const { chance } = person;
    const doing = chance.next();
    if (person.client?.account === undefined) return;
    if (doing < 0.38) this.run(this.post(person));
    else if (doing < 0.46) person.send(this.somewhere(person), this.text(person));
    else if (doing < 0.54) this.run(this.edit(person));
    else if (doing < 0.6) this.run(this.remove(person));
    else if (doing < 0.74) this.run(this.look(person));
    else if (doing < 0.79) this.run(this.mark(person));
    else if (doing < 0.83)
      this.run(person.write("channel.create", { name: chance.pick(CHANNEL_NAMES) }));
    else if (doing < 0.89)
      this.run(person.write("channel.join", { in: `#${chance.pick(CHANNEL_NAMES)}` }));
    else if (doing < 0.9)
      this.run(person.write("channel.leave", { in: `#${chance.pick(CHANNEL_NAMES)}` }));
    else if (doing < 0.95) this.run(this.ban(person));
    else if (doing < 0.98)
      this.run(person.write("account.rename", { name: this.wantedName(chance) }));
    else this.run(this.search(person));
  }

  /** What nobody waits for; a refusal is noted with its write. */
  private run(done: Promise<unknown>): void {
    done.catch((error) => {
      if (error instanceof HoldfastError) return;
      this.world.fail("SDK", `${(error as Error).stack ?? error}`);
    });
  }

  private wantedName(chance: Chance): string {
    return `${chance.pick(FOUGHT_OVER)}${chance.below(3)}`;
  }

  private text(person: Person): string {
    return `w${++this.made} of ${person.host} ${"x".repeat(person.chance.below(40))}`;
  }

  private somewhere(person: Person): string {
    const { chance } = person;
    if (chance.happens(0.75)) return `#${chance.pick(CHANNEL_NAMES)}`;
    const ids = this.world.people.flatMap(({ id }) => (id === null ? [] : [id]));
    return ids.length === 0 ? "#lobby" : chance.pick(ids);
  }

  private post(person: Person): Promise<Write> {
    return person.write("message.post", { to: this.somewhere(person), text: this.text(person) });
  }

  private own(person: Person): Write[] {
    return this.world.writes.filter(
      ({ person: host, method, message }) =>
        host === person.host && method === "message.post" && message !== undefined,
    );
  }

  private async edit(person: Person): Promise<void> {
    const mine = this.own(person);
    if (mine.length === 0) return;
    const { message } = person.chance.pick(mine.slice(-8));
    await person.write("message.edit", { message: message as string, text: this.text(person) });
  }

  private async remove(person: Person): Promise<void> {
    const mine = this.own(person);
    if (mine.length === 0) return;
    const { message } = person.chance.pick(mine.slice(-8));
    await person.write("message.delete", { message: message as string });
  }

  /** R6: who reads finds what was acknowledged to them, and what they saw. */
  private async look(person: Person): Promise<void> {
    const { client, shown } = person;
    const conversation = person.chance.pick(shown.conversations);
    if (client === null || conversation === undefined) return;
    const account = person.id;
    const begunMs = this.world.time.nowMs;
    const sure = this.own(person).filter(
      ({ told, conversation: where }) =>
        told.is === "acknowledged" && told.atMs > person.sinceMs && where === conversation,
    );
    const gone = shown.deletedFor(conversation, person.process as object);
    // All of it: what another server stored too may stand further back than its author was told.
    const all = await person.history(client, conversation);
    if (person.id !== account || person.sinceMs > begunMs) return;
    this.world.sometimes.happened("read its own writes");
    const found = new Map(all.map((message) => [message.id, message]));
    for (const write of sure) {
      if (found.has(write.message as string)) continue;
      // R26: what was said within a ban is hidden, whenever the ban came.
      if (!this.world.isKept(write) || this.world.wasBanned(conversation, account)) continue;
      this.backwards(person, `its own ${write.message} any more`);
    }
    for (const id of gone) {
      if (found.get(id)?.isDeleted !== false) continue;
      if (this.world.isDeletedSomewhere(id)) this.backwards(person, `${id} deleted any more`);
    }
  }

  /** It saw something that it does not see now, and was not told `stale`. */
  private backwards(person: Person, what: string): void {
    this.world.fail("R6", `${person.host} does not see ${what}`);
  }

  private async mark(person: Person): Promise<void> {
    const { client, shown } = person;
    const conversation = person.chance.pick(shown.conversations);
    if (client === null || conversation === undefined) return;
    const last = [...shown.get(conversation).values()].at(-1);
    if (last === undefined) return;
    await client.call("conversation.read", { in: conversation, upTo: last.position });
    this.world.sometimes.happened("marked as read");
  }

  private async ban(person: Person): Promise<void> {
    const others = this.world.people.flatMap(({ id }) =>
      id === null || id === person.id ? [] : [id],
    );
    if (others.length === 0) return;
    const { chance } = person;
    await person.write("channel.ban", {
      in: `#${chance.pick(CHANNEL_NAMES.slice(1))}`,
      account: chance.pick(others),
      ...(chance.happens(0.6) ? { lift: true } : {}),
    });
  }

  private async search(person: Person): Promise<void> {
    await person.client?.call("message.search", { text: `w${person.chance.below(this.made + 1)}` });
  }
}
