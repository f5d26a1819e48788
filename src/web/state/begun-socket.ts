/**
 * The SDK's way onto the connection that was begun before it (first-words.ts).
 *
 * Problem: the SDK connects, greets and asks in its own order, and has to stay right if the connection breaks, the
 * session is over or another server is to be tried: none of that is to be written twice. Approach: to the SDK this is
 * a socket like any other. What it asks and was asked already is not sent again: the answer that came, or comes, is
 * its answer. What it asks in other words goes out as ever. Rejected: handing messages to the views past the SDK.
 *
 * Invariants: 1. Frames are heard in the order in which they came, but for answers to reads that nobody asked for
 * yet; those wait aside. 2. An answer to a read is good only if nothing happened between it and the asking: the
 * first event that tells of something makes those that wait void, and the question is asked anew. 3. Nothing is heard before the
 * answers to hello and resume; if the SDK says anything else in their place, all first words are void. 4. A read
 * that was refused is asked anew once: it may have come before the session was resumed.
 */
import type { Socket, SocketConstructor } from "../../client/index.ts";
import type { Begun, SocketEvent, Word } from "./first-words.ts";

/** The first socket to that address is the one that was begun, if there is one and it lives. */
export function begunFirst(begun: Begun | undefined, Own: SocketConstructor): SocketConstructor {
  let left = begun;
  const dial = function Dial(url: string): Socket {
    const mine = left;
    left = undefined;
    if (mine?.url === url && !mine.isOver) return new BegunSocket(mine);
    mine?.close();
    return new Own(url);
  };
  return dial as unknown as SocketConstructor;
}

type Listener = Parameters<Socket["addEventListener"]>[1];
type Frame = {
  id?: string | number;
  method?: string;
  params?: object;
  error?: unknown;
};
/** Events that tell of nothing that happened. */
const SAYS_NOTHING = /^(?:server\.beat|caught_up)$/;
/** `asked`: by the SDK, in these words. */
type Open = { readonly word: Word; asked?: Asked; isVoid?: boolean; answer?: Frame };
type Asked = { readonly id: string | number; readonly text: string };

class BegunSocket implements Socket {
  readonly #begun: Begun;
  readonly #listeners = new Map<string, Listener[]>();
  /** First words whose answer was not heard yet. */
  readonly #open = new Map<string, Open>();
  readonly #coming: SocketEvent[] = [];
  #isBegun = false;
  #isPassing = false;

  constructor(begun: Begun) {
    this.#begun = begun;
    for (const word of begun.words) this.#open.set(word.id, { word });
    // Like every socket it says nothing before whoever made it listens.
    queueMicrotask(() => {
      this.#isBegun = true;
      begun.listen((event) => {
        this.#coming.push(event);
        this.#pass();
      });
    });
  }

  addEventListener(type: SocketEvent["type"], listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  close(): void {
    this.#begun.close();
  }

  send(text: string): void {
    const found = this.#open.size === 0 ? undefined : this.#find(text);
    if (found === undefined) {
      this.#begun.send(text);
      return;
    }
    found.asked = { id: (JSON.parse(text) as { id: string | number }).id, text };
    queueMicrotask(() => {
      if (found.answer !== undefined) this.#settle(found, found.answer);
      this.#pass();
    });
  }

  /** The first word that says this; any other while hello and resume are open makes all void. */
  #find(text: string): Open | undefined {
    const { method, params } = JSON.parse(text) as Frame;
    const said = wordsOf(method, params);
    const waiting = [...this.#open.values()].filter(({ asked, isVoid }) => !asked && !isVoid);
    const found = waiting.find(({ word }) => wordsOf(word.method, word.params) === said);
    if (found === undefined && waiting.some(({ word }) => word.leads)) {
      for (const open of waiting) this.#makeVoid(open);
      queueMicrotask(() => this.#pass());
    }
    return found;
  }

  #pass(): void {
    if (this.#isPassing || !this.#isBegun) return;
    this.#isPassing = true;
    for (let event = this.#coming[0]; event !== undefined; event = this.#coming[0]) {
      const heard = event.type === "message" ? this.#sort(event) : event;
      if (heard === "later") break;
      this.#coming.shift();
      if (heard !== "nothing") this.#tell(heard);
    }
    this.#isPassing = false;
  }

  /** What is to be heard of a message, now or later. */
  #sort(event: SocketEvent): SocketEvent | "later" | "nothing" {
    if (this.#open.size === 0) return event;
    const frame = parse(event.data);
    const open = this.#open.get(String(frame.id));
    if (open !== undefined) {
      if (open.asked === undefined && open.isVoid !== true && open.word.leads) return "later";
      this.#settle(open, frame);
      return "nothing";
    }
    if (frame.method !== undefined && !SAYS_NOTHING.test(frame.method)) this.#changed();
    return event;
  }

  /** An answer came, or the asking to one that waits. */
  #settle(open: Open, frame: Frame): void {
    const { asked, word } = open;
    if (open.isVoid !== true && asked === undefined && frame.error === undefined) {
      open.answer = frame;
      return;
    }
    this.#open.delete(word.id);
    if (asked === undefined) return;
    if (frame.error !== undefined && !word.leads) this.#begun.send(asked.text);
    else this.#tell({ type: "message", data: JSON.stringify({ ...frame, id: asked.id }) });
  }

  /** Something happened: what was read before says too little to whoever asks from now on. */
  #changed(): void {
    for (const open of [...this.#open.values()]) {
      if (open.asked === undefined && !open.word.leads) this.#makeVoid(open);
    }
  }

  /** Its answer, if it is still to come, is passed over. */
  #makeVoid(open: Open): void {
    open.isVoid = true;
    if (open.answer !== undefined) this.#open.delete(open.word.id);
  }

  #tell(event: SocketEvent): void {
    for (const listener of this.#listeners.get(event.type) ?? []) listener(event);
  }
}

/** One text for one question. A read that follows a session says what it has seen, which here is nothing. */
function wordsOf(method: string | undefined, params: object | undefined): string {
  const { at: _, ...rest } = (params ?? {}) as { at?: string };
  return JSON.stringify([method, rest]);
}

function parse(data: unknown): Frame {
  try {
    return (JSON.parse(String(data)) ?? {}) as Frame;
  } catch {
    return {};
  }
}
