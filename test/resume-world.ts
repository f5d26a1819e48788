/**
 * Random traffic that a person follows on two devices whose connections break at any event, and what must be
 * true of what these devices were told.
 */
import fc from "fast-check";
import {
  type Frame,
  type JumpClock,
  newId,
  type TestClient,
  type TestServer,
} from "./in-process.ts";

const PLAIN = ["enter", "again", "remove", "ban", "leave", "rename", "topic", "mark"] as const;
export type Step =
  | { do: "post"; by: "me" | "friend" | "other"; to: "direct" | "public" | "private"; many: number }
  | { do: "edit" | "delete"; which: number }
  | { do: (typeof PLAIN)[number] }
  | { do: "cut"; device: number; after: number }
  | { do: "connect"; device: number };

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("post" as const),
        by: fc.constantFrom("me" as const, "friend" as const, "other" as const),
        to: fc.constantFrom("direct" as const, "public" as const, "private" as const),
        many: fc.integer({ min: 1, max: 12 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom("edit" as const, "delete" as const),
        which: fc.nat(200),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom(...PLAIN),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("cut" as const),
        device: fc.nat(1),
        after: fc.nat(15),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant("connect" as const), device: fc.nat(1) }),
    },
  ),
  { minLength: 8, maxLength: 45 },
);

type Shown = { id: string; conversation: string; text: string };
type Posted = Shown & { by: TestClient };

/** What one device knows, from events alone. */
class Device {
  readonly posted = new Map<string, number>();
  readonly texts = new Map<string, string>();
  readonly opened = new Set<string>();
  /** Ids of the messages of each conversation. */
  private readonly placed = new Map<string, Set<string>>();
  readonly names = new Map<string, string>();
  readonly topics = new Map<string, string>();
  /** The own standing by channel. */
  readonly standings = new Map<string, string>();
  marker = "";
  cursor: string;
  readonly problems: string[] = [];
  private readonly server: TestServer;
  private readonly token: string;
  private readonly me: string;
  private client: TestClient | null = null;
  private left = Number.POSITIVE_INFINITY;
  private replaying = true;

  constructor(server: TestServer, token: string, me: string, cursor: string) {
    this.server = server;
    this.token = token;
    this.me = me;
    this.cursor = cursor;
  }

  async connect(): Promise<void> {
    if (this.client !== null) return;
    const client = this.server.connect();
    this.client = client;
    this.left = Number.POSITIVE_INFINITY;
    this.replaying = true;
    let answered = false;
    client.onFrame = (frame) => {
      if (frame.method === undefined) answered = true;
      else if (!answered) this.problems.push(`${frame.method} before the answer`);
      if (frame.method !== undefined && this.client === client) this.take(client, frame);
    };
    await client.call("session.resume", { token: this.token, cursor: this.cursor });
  }

  /** The connection breaks behind so many more events. */
  cut(after: number): void {
    this.left = after;
    if (after === 0 && this.client !== null) this.drop(this.client);
  }

  private drop(client: TestClient): void {
    this.client = null;
    client.disconnect(this.server);
  }

  private take(client: TestClient, { method, params = {} }: Frame): void {
    if (method === "server.beat") return;
    if (method === "reset") this.problems.push("reset");
    if (method === "caught_up") {
      if (!this.replaying) this.problems.push("caught_up twice");
      this.replaying = false;
    }
    this.learn(method ?? "", params);
    this.cursor = params.cursor as string;
    if (--this.left <= 0) this.drop(client);
  }

  private place(message: Shown | undefined): void {
    if (message === undefined) return;
    const ids = this.placed.get(message.conversation) ?? new Set();
    this.placed.set(message.conversation, ids.add(message.id));
  }

  private learn(method: string, params: Record<string, unknown>): void {
    const message = params.message as Shown | undefined;
    const account = params.account as { id: string; name: string } | undefined;
    switch (method) {
      case "message.posted":
        this.posted.set(message?.id ?? "", (this.posted.get(message?.id ?? "") ?? 0) + 1);
        this.texts.set(message?.id ?? "", message?.text ?? "");
        this.place(message);
        break;
      case "message.changed":
        this.texts.set(message?.id ?? "", message?.text ?? "");
        break;
      case "conversation.opened": {
        // What happened in it while it could not be read is not told: its history is read anew.
        const { id } = params.conversation as { id: string };
        this.opened.add(id);
        for (const known of this.placed.get(id) ?? []) this.texts.delete(known);
        break;
      }
      case "account.changed":
        this.names.set(account?.id ?? "", account?.name ?? "");
        break;
      case "channel.changed": {
        const channel = params.channel as { id: string; topic: string };
        this.topics.set(channel.id, channel.topic);
        break;
      }
      case "member.changed":
        if (account?.id === this.me) {
          this.standings.set(params.conversation as string, params.standing as string);
        }
        break;
      case "marker.changed":
        if ((params.upTo as string) < this.marker) this.problems.push("a marker went back");
        this.marker = params.upTo as string;
        break;
      default:
    }
  }
}

let worlds = 0;

/** Plays the steps; what is wrong with what the two devices were told. */
export async function followed(server: TestServer, clock: JumpClock, list: readonly Step[]) {
  const label = `w${++worlds}`;
  const me = await server.join(`${label}-me`);
  const friend = await server.join(`${label}-friend`);
  const other = await server.join(`${label}-other`);
  const people = { me, friend, other };
  const open = (name: string, isPrivate: boolean) =>
    friend.call("channel.create", { name, private: isPrivate, id: newId() });
  const shared = (await open(`${label}-public`, false)).channel.id;
  const hidden = (await open(`${label}-private`, true)).channel.id;
  for (const client of [me, other]) {
    await client.call("channel.join", { in: shared, id: newId() });
  }
  const { cursor } = await me.call("server.ping", {});
  const devices = [0, 1].map(() => new Device(server, me.token, me.id, cursor));
  for (const device of devices) await device.connect();

  const messages: Posted[] = [];
  /** Messages that each device must have been told of. */
  let must: Posted[] = [];
  let isIn = false;
  let names = 0;
  let working: Promise<unknown>[] = [];
  const settle = async () => {
    await Promise.all(working);
    working = [];
  };
  const post = async (by: TestClient, to: string, text: string) => {
    const { message } = await by.call("message.post", { to, text, id: newId() });
    const posted = { ...message, by };
    messages.push(posted);
    if (message.conversation !== hidden || isIn) must.push(posted);
  };
  const left = () => {
    isIn = false;
    must = must.filter(({ conversation }) => conversation !== hidden);
  };

  for (const step of list) {
    switch (step.do) {
      case "post": {
        const by = step.to === "private" ? friend : people[step.by];
        const direct = by === me ? friend.id : me.id;
        const to = { direct, public: shared, private: hidden }[step.to];
        for (let i = 0; i < step.many; i++) working.push(post(by, to, `${step.do} ${i}`));
        break;
      }
      case "edit":
      case "delete": {
        const target = messages[step.which % Math.max(1, messages.length)];
        if (target === undefined) break;
        const change = { message: target.id, id: newId() };
        const text = `edited ${names++}`;
        working.push(
          (step.do === "edit"
            ? target.by.call("message.edit", { ...change, text })
            : target.by.call("message.delete", change)
          ).catch(() => {}), // it may be gone already
        );
        break;
      }
      case "enter":
        await settle();
        if (isIn) break;
        await friend.call("channel.invite", { in: hidden, account: me.id, id: newId() });
        await me.call("channel.join", { in: hidden, id: newId() });
        isIn = true;
        break;
      case "again":
        working.push(me.call("channel.join", { in: shared, id: newId() }));
        break;
      case "remove":
      case "ban":
      case "leave": {
        await settle();
        if (!isIn) break;
        const target = { in: hidden, account: me.id, id: newId() };
        if (step.do === "leave") await me.call("channel.leave", { in: hidden, id: newId() });
        else if (step.do === "ban") await friend.call("channel.ban", target);
        else await friend.call("channel.remove", target);
        left();
        break;
      }
      case "rename":
        working.push(friend.call("account.rename", { name: `${label}-f${names++}`, id: newId() }));
        break;
      case "topic": {
        const topic = `topic ${names++}`;
        working.push(friend.call("channel.update", { in: shared, topic, id: newId() }));
        break;
      }
      case "mark": {
        const newest = messages.findLast(({ conversation }) => conversation === shared);
        const upTo = (newest as unknown as { position: string } | undefined)?.position;
        if (upTo !== undefined) working.push(me.call("conversation.read", { in: shared, upTo }));
        break;
      }
      case "cut":
        devices[step.device]?.cut(step.after);
        break;
      case "connect":
        await devices[step.device]?.connect();
        break;
    }
  }
  await settle();
  clock.jump(5_001); // a marker that waits is stored
  await friend.call("account.rename", { name: `${label}-final`, id: newId() });
  await friend.call("channel.update", { in: shared, topic: "final", id: newId() });
  const problems: string[] = [];
  for (const device of devices) {
    device.cut(0);
    await device.connect();
    problems.push(...device.problems);
    const say = (what: string) => problems.push(what);
    if (device.names.get(friend.id) !== `${label}-final`) say("the friend's name is not the last");
    if (device.topics.get(shared) !== "final") say("the topic is not the last");
    const standing = device.standings.get(hidden) ?? "none";
    if ((standing === "member") !== isIn) say(`standing ${standing}, in: ${isIn}`);
    for (const [id, times] of device.posted) if (times !== 1) say(`${id} came ${times} times`);
    for (const { id, conversation } of must) {
      if (!device.posted.has(id)) say(`${id} never came`);
      if (conversation !== shared && !device.opened.has(conversation)) {
        say(`${conversation} was never opened`);
      }
    }
    for (const place of [friend.id, other.id, shared, ...(isIn ? [hidden] : [])]) {
      const { messages: now } = await me.call("message.history", { in: place, limit: 200 });
      for (const { id, text } of now) {
        const known = device.texts.get(id);
        if (known !== undefined && known !== text) say(`${id} is "${text}", shown as "${known}"`);
      }
    }
    const { conversation } = await me.call("conversation.resolve", { in: shared });
    if ((conversation.marker ?? "") !== device.marker) say("the marker is not the last");
  }
  for (const client of [me, friend, other]) client.disconnect(server);
  for (const device of devices) device.cut(0);
  return { problems };
}
