/**
 * What people do while their server is being killed: post to a channel and to each other, edit, delete, join,
 * leave, mark as read, make accounts, repeat under the same id (after a death, and twice at once), lose their
 * connection and come back.
 */
import { newRequestId } from "./chance.ts";
import type { Shown, Write } from "./history.ts";
import { outcomeOf, type Person } from "./person.ts";
import { Wire } from "./wire.ts";
import type { World } from "./world.ts";

const IN_FLIGHT_MAX = 8;
/** Of the own messages, so many of the newest are edited and deleted. */
const RECENT = 60;
const ACCOUNTS_PER_LOAD = 2;
/** What waits in the outbox is written as soon as it can be: not more than a full disk can take then. */
const OUTBOX_WAITING_MAX = 60;
const REPEATED_AFTER_DEATH = 0.6;

/** An own message that may be changed: nothing about it is open. */
type Own = { readonly message: Shown; readonly token: string; busy: boolean };

/** What a person has, over all loads of one history. */
const belongings = new WeakMap<
  Person,
  { own: Own[]; open: Write[]; atSide: boolean; moving: boolean }
>();

function of(person: Person) {
  const had = belongings.get(person);
  if (had !== undefined) return had;
  const fresh = { own: [], open: [], atSide: false, moving: false };
  belongings.set(person, fresh);
  return fresh;
}

export class Load {
  private readonly world: World;
  private isOver = false;

  constructor(world: World) {
    this.world = world;
  }

  /** Resolves when `end` has, and every attempt has come to its end. Rejects as `end` does. */
  async run(end: Promise<unknown>): Promise<void> {
    const { wired } = this.world;
    const over = () => {
      this.isOver = true;
    };
    void end.then(over, over);
    await Promise.all([
      ...wired.map((person) => this.live(person)),
      this.outbox(),
      this.newcomers(),
    ]);
    for (const person of wired) person.dropAfter = 0;
    await end;
  }

  private get isDead(): boolean {
    return this.isOver || this.world.server?.isOver !== false;
  }

  private async live(person: Person): Promise<void> {
    await this.repeatOpen(person);
    const { chance } = this.world;
    const flying = new Set<Promise<unknown>>();
    while (!this.isDead) {
      if (person.wire === null || person.wire.isOver) {
        await Promise.all(flying);
        if (this.isDead || !(await person.resume(this.world.url))) break;
      }
      const act = this.act(person).finally(() => flying.delete(act));
      flying.add(act);
      if (flying.size >= IN_FLIGHT_MAX) await Promise.race(flying);
      else if (chance.happens(0.5)) await Bun.sleep(chance.whole(0, 6));
    }
    await Promise.all(flying);
  }

  /** What a death left open is sent again under its id, or never again. */
  private async repeatOpen(person: Person): Promise<void> {
    const { chance } = this.world;
    const mine = of(person);
    const again = mine.open.splice(0).filter(() => chance.happens(REPEATED_AFTER_DEATH));
    await Promise.all(
      again.map(async (write) => {
        const { kind } = await person.attempt(write);
        if (kind === "unanswered" || kind === "indefinite") mine.open.push(write);
      }),
    );
  }

  private async act(person: Person): Promise<void> {
    const { chance } = this.world;
    const dice = chance.fraction();
    if (dice < 0.6) await this.post(person);
    else if (dice < 0.74) await this.edit(person);
    else if (dice < 0.82) await this.remove(person);
    else if (dice < 0.86) await this.move(person);
    else if (dice < 0.9) await this.mark(person);
    else if (dice < 0.94) await this.repeatOld(person);
    else if (dice < 0.97) await this.twice(person);
    else if (dice < 0.985) person.dropAfter = chance.whole(1, 30);
    else await person.read("message.history", { in: this.world.ops }).catch(() => {});
  }

  private place(person: Person): string {
    const { chance, ops, directs, ann, bob } = this.world;
    if (chance.happens(0.6)) return ops;
    if (person === ann) return chance.pick([directs.annBob, directs.danAnn]);
    return person === bob ? chance.pick([directs.annBob, directs.bobCat]) : directs.danAnn;
  }

  /** Keeps what is open for later; true when the write is over and done. */
  private settled(person: Person, write: Write): boolean {
    const kinds = write.attempts.map(({ outcome }) => outcome.kind);
    if (kinds.includes("acknowledged")) return true;
    if (kinds.every((kind) => kind === "refused")) return true;
    if (kinds.length > 0) of(person).open.push(write);
    return false;
  }

  private async post(person: Person): Promise<void> {
    const { world } = this;
    const write = await world.post(person, this.place(person));
    this.keep(person, write);
  }

  private keep(person: Person, write: Write): void {
    this.settled(person, write);
    const told = write.attempts.find(({ outcome }) => outcome.kind === "acknowledged")?.outcome;
    if (told?.kind !== "acknowledged" || told.message === undefined) return;
    if (write.effect.type !== "post") return;
    const { own } = of(person);
    own.push({ message: told.message, token: write.effect.token, busy: false });
    if (own.length > RECENT) own.shift();
  }

  /** Takes one of the own messages; whoever takes it gives it back when nothing about it is open. */
  private take(person: Person): Own | undefined {
    const free = of(person).own.filter(({ busy }) => !busy);
    if (free.length === 0) return undefined;
    const own = this.world.chance.pick(free);
    own.busy = true;
    return own;
  }

  private async edit(person: Person): Promise<void> {
    const own = this.take(person);
    if (own === undefined) return;
    const message = own.message.id;
    const token = this.world.token();
    const text = this.world.text(own.token, token);
    const write = await person.write({ type: "edit", message, token, text }, "message.edit", {
      message,
      text,
    });
    if (this.settled(person, write)) own.busy = false;
  }

  private async remove(person: Person): Promise<void> {
    const own = this.take(person);
    if (own === undefined) return;
    const message = own.message.id;
    const write = await person.write({ type: "delete", message }, "message.delete", { message });
    this.settled(person, write); // stays taken: it is gone
  }

  private async move(person: Person): Promise<void> {
    const mine = of(person);
    if (mine.moving || person === this.world.dan) return;
    mine.moving = true;
    const joined = !mine.atSide;
    const channel = this.world.side;
    const method = joined ? "channel.join" : "channel.leave";
    const write = await person.write({ type: "membership", channel, joined }, method, {
      in: channel,
    });
    if (!this.settled(person, write)) return; // open for ever: this person moves no more
    if (write.attempts.some(({ outcome }) => outcome.kind === "acknowledged")) mine.atSide = joined;
    mine.moving = false;
  }

  private async mark(person: Person): Promise<void> {
    const [conversation, upTo] = this.world.chance.pick([...person.seen]) ?? [];
    if (conversation === undefined) return;
    await person.read("conversation.read", { in: conversation, upTo }).catch(() => {});
  }

  /** Something acknowledged long ago: the answer is the first one's. */
  private async repeatOld(person: Person): Promise<void> {
    const { own } = of(person);
    if (own.length === 0) return;
    const { message } = this.world.chance.pick(own);
    const write = this.world.history.writes.find(
      ({ effect, attempts }) =>
        effect.type === "post" &&
        attempts.some(
          ({ outcome }) => outcome.kind === "acknowledged" && outcome.message?.id === message.id,
        ),
    );
    if (write !== undefined) await person.attempt(write);
  }

  /** The same request over two connections at once. */
  private async twice(person: Person): Promise<void> {
    const other = await Wire.open(this.world.url);
    if (other === null) return;
    await other.call("session.resume", { token: person.token });
    const { world } = this;
    const to = this.place(person);
    const token = world.token();
    const text = world.text(token);
    const id = newRequestId();
    const write = world.history.write(person.id, id, { type: "post", to, token, text });
    person.requests.set(id, { method: "message.post", params: { to, text, id } });
    await Promise.all([person.attempt(write), person.attempt(write, other)]);
    other.drop();
    this.keep(person, write);
  }

  private async outbox(): Promise<void> {
    const { world } = this;
    const { cat, chance } = world;
    while (!this.isDead) {
      if (cat.waiting >= OUTBOX_WAITING_MAX) {
        await Bun.sleep(10);
        continue;
      }
      const token = world.token();
      cat.post(chance.pick([world.ops, world.bob.id]), token, world.text(token));
      if (chance.happens(0.01)) {
        await cat.close(); // the page is closed, and opened again
        cat.begin(world.url);
      }
      await Bun.sleep(chance.whole(1, 8));
    }
  }

  private async newcomers(): Promise<void> {
    const { world } = this;
    for (let i = 0; i < ACCOUNTS_PER_LOAD && !this.isDead; i++) {
      await Bun.sleep(world.chance.whole(0, 150));
      const name = `n${world.token()}`;
      const both = world.chance.happens(0.3) ? 2 : 1; // sometimes two want one name
      await Promise.all(Array.from({ length: both }, () => this.newcomer(name)));
    }
  }

  private async newcomer(name: string): Promise<void> {
    const { history, url } = this.world;
    const wire = await Wire.open(url);
    if (wire === null) return;
    const id = newRequestId();
    const write = history.write("", id, { type: "account", name });
    const attempt = history.begin(write, wire.line);
    const answer = await wire.call("account.create", { name, password: `password of ${name}`, id });
    if (answer.kind === "result") write.author = answer.result.account.id;
    history.end(attempt, outcomeOf(answer));
    wire.drop();
  }
}
