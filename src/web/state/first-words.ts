/**
 * What the page says to its server before its script is there.
 *
 * Problem: on a cold load the script is fetched and run, then the connection is made, then hello, the session and
 * the first messages are asked for one after the other: each waits for the one before. Approach: a script of a few
 * lines comes first, connects, and asks for all of them at once (the protocol lets requests be sent without waiting
 * for answers); what comes is kept until the page's script is there and asks for the same (begun-socket.ts).
 * Rejected: writing the first messages into the HTML (private text in what browsers and proxies may keep, and two
 * places that draw a message); saying this inline (the policy allows no inline script).
 */
import type { Socket, SocketConstructor } from "../../client/index.ts";
import { AROUND } from "./history-pages.ts";

/** What stands for a token that the cookie holds; see kept-session.ts. */
export const COOKIE = "cookie";
/** Conversations that are asked for first. */
export const LIST_PAGE = 50;
const PROTOCOL = 1;
/** Events that come before anybody listens; beyond that nobody will. */
const CAME_MAX = 1_000;
const CONVERSATION = /^#\/c\/([cd]_[\w-]+)(?:\/(?:members|details))?$/;

/** `leads`: nothing that comes after its answer may be heard before it. */
export type Word = {
  readonly id: string;
  readonly method: string;
  readonly params: object;
  readonly leads: boolean;
};

/** In the words of the SDK: an answer counts only if it asks for exactly this. */
export function firstWords(hash: string): readonly Word[] {
  const [, conversation] = CONVERSATION.exec(hash) ?? [];
  const hello = { protocol: PROTOCOL, client: "holdfast" };
  const words: Word[] = [
    { id: "first hello", method: "server.hello", params: hello, leads: true },
    { id: "first resume", method: "session.resume", params: { token: COOKIE }, leads: true },
  ];
  if (conversation !== undefined) {
    const params = { in: conversation, limit: AROUND };
    words.push({ id: "first history", method: "message.history", params, leads: false });
  }
  const list = { limit: LIST_PAGE };
  words.push({ id: "first list", method: "conversation.list", params: list, leads: false });
  return words;
}

/** The server that this page came from. */
export function ownServer({ origin, pathname }: { origin: string; pathname: string }): string {
  return origin + pathname.replace(/\/[^/]*$/, "");
}

/** Where the SDK connects to a server. */
export function socketUrl(server: string): string {
  return `${server.replace(/^http/, "ws")}/v1/ws`;
}

/** Whether the browser keeps a session of this page: `text` is what stands under the SDK's key. */
export function keepsSession(text: string | null): boolean {
  try {
    return JSON.parse(text ?? "null")?.token === COOKIE;
  } catch {
    return false;
  }
}

export type SocketEvent = {
  readonly type: "open" | "message" | "error" | "close";
  readonly data?: unknown;
  readonly code?: number;
};

/** A connection on which the first words were said. */
export class Begun {
  readonly url: string;
  readonly words: readonly Word[];
  isOver = false;
  readonly #socket: Socket;
  #came: SocketEvent[] = [];
  #tell: ((event: SocketEvent) => void) | undefined;

  constructor(url: string, words: readonly Word[], WebSocket: SocketConstructor) {
    this.url = url;
    this.words = words;
    this.#socket = new WebSocket(url);
    this.#socket.addEventListener("open", () => {
      for (const { id, method, params } of words) {
        this.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
      }
      this.#note({ type: "open" });
    });
    this.#socket.addEventListener("message", ({ data }) => this.#note({ type: "message", data }));
    this.#socket.addEventListener("error", () => this.#over({ type: "error" }));
    this.#socket.addEventListener("close", ({ code = 1006 }) =>
      this.#over({ type: "close", code }),
    );
  }

  /** Everything that came and comes, in its order. */
  listen(tell: (event: SocketEvent) => void): void {
    this.#tell = tell;
    for (const event of this.#came.splice(0)) tell(event);
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  close(): void {
    this.isOver = true;
    this.#socket.close();
  }

  #over(event: SocketEvent): void {
    this.isOver = true;
    this.#note(event);
  }

  #note(event: SocketEvent): void {
    if (this.#tell !== undefined) this.#tell(event);
    else if (this.#came.push(event) > CAME_MAX) this.close();
  }
}
