/**
 * A client of a few lines against the protocol alone: JSON-RPC 2.0 over a WebSocket. It shares no code with
 * the SDK and repeats nothing by itself: what became of each attempt is what its caller records.
 */

export type Answer =
  | { readonly kind: "result"; readonly result: Json }
  | { readonly kind: "error"; readonly code: string; readonly message: string }
  /** The connection ended first. */
  | { readonly kind: "unanswered" };

/** A message as it stands in answers and events. */
export type MessageJson = {
  readonly id: string;
  readonly conversation: string;
  readonly author: { readonly id: string };
  readonly text: string;
  readonly position: string;
  readonly deleted?: true;
};

/** What the torture tests read of answers and events. Nothing has checked that it is there. */
export type Json = {
  readonly account: { readonly id: string };
  readonly accounts: readonly { readonly id: string; readonly name: string }[];
  readonly channel: { readonly id: string };
  readonly cursor: string;
  readonly members: readonly { readonly id: string; readonly name: string }[];
  readonly message?: MessageJson;
  readonly messages: readonly MessageJson[];
  readonly next?: string;
  readonly receipt?: { readonly held: readonly string[] };
  readonly token: string;
};

type Frame = {
  id?: number;
  result?: Json;
  error?: { message: string; data?: { code?: string } };
  method?: string;
  params?: Json;
};

const NOTHING = {} as Json;

let opened = 0;

export class Wire {
  /** Tells connections apart in the history. */
  readonly line: string;
  /** Resolves when it is closed, by whichever side. */
  readonly ended: Promise<void>;
  onEvent: (method: string, params: Json) => void = () => {};
  private readonly socket: WebSocket;
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private lastId = 0;
  private over = false;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.line = `line ${++opened}`;
    this.ended = new Promise((resolve) => {
      socket.onclose = () => {
        this.finish();
        resolve();
      };
    });
    socket.onmessage = ({ data }) => {
      if (!this.over) this.take(JSON.parse(String(data)) as Frame);
    };
  }

  /** null if nobody answers there. `url` is the server's, http. */
  static open(url: string): Promise<Wire | null> {
    return new Promise((resolve) => {
      const socket = new WebSocket(`${url.replace(/^http/, "ws")}/v1/ws`);
      const wire = new Wire(socket);
      socket.onopen = () => resolve(wire);
      socket.onerror = () => resolve(null);
    });
  }

  get isOver(): boolean {
    return this.over;
  }

  /** Never rejects. */
  call(method: string, params: object): Promise<Answer> {
    if (this.over) return Promise.resolve({ kind: "unanswered" });
    const id = ++this.lastId;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  /** Like a crash of this client: whatever is on its way is never looked at. */
  drop(): void {
    this.finish();
    this.socket.terminate();
  }

  private take({ id, result, error, method, params }: Frame): void {
    if (method !== undefined) {
      this.onEvent(method, params ?? NOTHING);
      return;
    }
    const resolve = this.waiting.get(id ?? 0);
    this.waiting.delete(id ?? 0);
    if (error === undefined) resolve?.({ kind: "result", result: result ?? NOTHING });
    else {
      const code = error.data?.code ?? "none";
      resolve?.({ kind: "error", code, message: error.message });
    }
  }

  private finish(): void {
    this.over = true;
    for (const resolve of this.waiting.values()) resolve({ kind: "unanswered" });
    this.waiting.clear();
  }
}
