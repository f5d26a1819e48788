/** A client that costs as little as it can: raw frames, no SDK, so that the server is what is measured. */
import { requestIdFrom } from "../src/core/ids.ts";

type Answer = { id?: number; result?: Record<string, unknown>; error?: { message: string } };

export function newId(): string {
  return requestIdFrom(Date.now(), crypto.getRandomValues(new Uint8Array(10)));
}

export class BenchClient {
  private readonly socket: WebSocket;
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private next = 1;
  /** Events of this name received so far. */
  posted = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      if (data.startsWith('{"jsonrpc":"2.0","method"')) {
        if (data.startsWith('"message.posted"', 26)) this.posted++;
        return;
      }
      const answer = JSON.parse(data) as Answer;
      const resolve = this.waiting.get(answer.id ?? -1);
      this.waiting.delete(answer.id ?? -1);
      resolve?.(answer);
    };
  }

  static async connect(url: string): Promise<BenchClient> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/ws`);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    return new BenchClient(socket);
  }

  async call(method: string, params: object): Promise<Record<string, unknown>> {
    const id = this.next++;
    const answered = new Promise<Answer>((resolve) => this.waiting.set(id, resolve));
    this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  close(): void {
    this.socket.close();
  }
}

/** A new account on a connection of its own. */
export async function newAccount(url: string, name: string) {
  const client = await BenchClient.connect(url);
  const made = await client.call("account.create", { name, password: "password", id: newId() });
  const { id } = made.account as { id: string };
  return { client, id, token: made.token as string };
}
