/**
 * `holdfast/client`: the SDK, for browsers, Bun and Node.
 *
 *     const client = createClient({ servers: ["http://127.0.0.1:7300"] });
 *     await client.signIn({ name: "ann", password: "correct horse" });
 *     client.on("message.posted", ({ message }) => console.log(message.author.name, message.text));
 *     client.outbox.post({ to: "#ops", text: "hello" });
 */
import { Client } from "./client.ts";
import type { ClientOptions } from "./options.ts";

export type { RefusalCode } from "../core/errors.ts";
export type { EventName, EventParams } from "../protocol/events.ts";
export type {
  Account,
  Author,
  Channel,
  Conversation,
  ListedAccount,
  Member,
  Message,
  Receipt,
  Session,
} from "../protocol/schema.ts";
export type { Client } from "./client.ts";
export type { ConnectionState, ConnectionStatus } from "./connection-status.ts";
export { HoldfastError } from "./error.ts";
export type { ClientEvents, Listener } from "./events.ts";
export type { CallOptions, ClientOptions } from "./options.ts";
export type { Outbox, OutboxEntry, OutboxState } from "./outbox-entry.ts";
export {
  type Clock,
  type KeptStorage,
  type Lock,
  memoryStorage,
  type Random,
  realClock,
  type Socket,
  type SocketConstructor,
  type WebStorage,
  webLock,
  webStorage,
} from "./ports.ts";
export { messageIdOf, replyId } from "./request-ids.ts";
export { rpc } from "./rpc.ts";
export type { CallParams, MethodName, Params, Result } from "./table.ts";
export { TIMING, type Timing } from "./timing.ts";

/**
 * Makes a client. It connects by itself as soon as there is a session, given or kept, or a call; `close()`
 * ends it. Throws {@link HoldfastError} for an address that is none, and where there is no WebSocket.
 */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}
