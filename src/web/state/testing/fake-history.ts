/**
 * A conversation on a scripted server, for timelines: what happens there, what is asked, and what arrives are
 * three things that a test puts in any order, as long as one connection keeps its own.
 */
import { type Client, HoldfastError, type Message } from "../../../client/index.ts";

type Request = {
  readonly params: { readonly before?: string; readonly after?: string; readonly limit: number };
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: HoldfastError) => void;
};
type Delivery =
  | { readonly is: "event"; readonly id: string; readonly isNew: boolean }
  | { readonly is: "answer"; readonly request: Request; readonly answer: unknown };

export const HERE = "c_here";

export class FakeHistory {
  /** Sorted by position. */
  truth: Message[] = [];
  readonly heard: { posted: (message: Message) => void; changed: (message: Message) => void } = {
    posted: () => {},
    changed: () => {},
  };
  private requests: Request[] = [];
  private deliveries: Delivery[] = [];
  private made = 0;

  /** Requests that are refused as `invalid`. */
  refuse: (params: Request["params"]) => boolean = () => false;

  /** What of a client timelines use. */
  readonly client = {
    connection: { state: "live" },
    call: (_method: string, params: Request["params"]) =>
      new Promise((resolve, reject) => this.requests.push({ params, resolve, reject })),
  } as unknown as Client;

  get isQuiet(): boolean {
    return this.requests.length === 0 && this.deliveries.length === 0;
  }

  get asked(): number {
    return this.requests.length;
  }

  // What happens there.

  /** At the end, or, `late`, at a fraction of what is there. */
  post(late?: number, author = "a_bob"): Message {
    const n = ++this.made;
    const message: Message = {
      id: `m_${n}`,
      conversation: HERE,
      author: { id: author, name: author.slice(2) },
      text: `${n}`,
      at: n,
      position: this.freePosition(late),
      ...(late === undefined ? {} : { late: true as const }),
    };
    this.put(message);
    this.deliveries.push({ is: "event", id: message.id, isNew: true });
    return message;
  }

  /** Without an event: it was there before. */
  fill(count: number): void {
    for (let i = 0; i < count; i++) this.post();
    this.deliveries = [];
  }

  edit(at: number): void {
    this.change(at, (message) =>
      message.deleted ? message : { ...message, text: `${message.text}+`, edited: true as const },
    );
  }

  delete(at: number): void {
    this.change(at, ({ edited: _, ...message }) => ({
      ...message,
      text: "",
      deleted: true as const,
    }));
  }

  move(at: number, to: number): void {
    this.change(at, (message) => ({ ...message, position: this.freePosition(to) }));
  }

  // What the connection does.

  /** The server answers the oldest request, as things are now. */
  answer(): void {
    const request = this.requests.shift();
    if (request !== undefined) {
      this.deliveries.push({ is: "answer", request, answer: this.page(request.params) });
    }
  }

  /** The oldest frame arrives. */
  async deliver(): Promise<void> {
    const next = this.deliveries.shift();
    if (next?.is === "event") {
      this.tell(next.id, next.isNew);
    } else if (next !== undefined) {
      const { request, answer } = next;
      if (!this.refuse(request.params)) request.resolve(answer);
      else request.reject(new HoldfastError("invalid", "this is no position"));
    }
    await settle();
  }

  /** The connection breaks: what was on its way is lost, told again as it is now, and asked again. */
  async break(): Promise<void> {
    const lost = this.deliveries;
    this.deliveries = [];
    const again = lost.flatMap((one) => (one.is === "answer" ? [one.request] : []));
    this.requests = [...again, ...this.requests];
    for (const one of lost) {
      if (one.is === "event") this.tell(one.id, one.isNew);
      await settle();
    }
  }

  /** Everything that is due happens. */
  async rest(): Promise<void> {
    while (!this.isQuiet) {
      this.answer();
      await this.deliver();
    }
  }

  private tell(id: string, isNew: boolean): void {
    const message = this.truth.find((one) => one.id === id);
    if (message === undefined) return;
    if (isNew) this.heard.posted(message);
    else this.heard.changed(message);
  }

  private page({ before, after, limit }: Request["params"]): unknown {
    const within = this.truth.filter(
      ({ position }) =>
        (before === undefined || position < before) && (after === undefined || position > after),
    );
    const isForward = after !== undefined && before === undefined;
    const messages = isForward ? within.slice(0, limit) : within.slice(-limit);
    const next = isForward ? messages.at(-1)?.position : messages[0]?.position;
    return { messages, ...(within.length > limit ? { next } : {}), cursor: "c" };
  }

  private change(at: number, to: (message: Message) => Message): void {
    const index = Math.floor(at * this.truth.length);
    const message = this.truth[index];
    if (message === undefined) return;
    const changed = to(message);
    this.truth.splice(index, 1);
    this.put(changed);
    this.deliveries.push({ is: "event", id: changed.id, isNew: false });
  }

  private put(message: Message): void {
    const at = this.truth.findIndex(({ position }) => position > message.position);
    this.truth.splice(at < 0 ? this.truth.length : at, 0, message);
  }

  /** Behind everything, or between two that are there; every position is used once. */
  private freePosition(fraction?: number): string {
    this.made++;
    const end = String(this.made).padStart(8, "0");
    if (fraction === undefined || this.truth.length === 0) return `p${end}`;
    const under = this.truth[Math.floor(fraction * this.truth.length)] as Message;
    return `${under.position}.${end}`;
  }
}

/** Lets everything come to rest that waits for no timer. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
