/** One connection from dialling to its end: the facts that connection.ts decides by. */
import type { PROTOCOL_VERSION } from "../protocol/version.ts";
import type { Credentials } from "./connection-owner.ts";
import type { HoldfastError } from "./error.ts";
import type { Frame } from "./frames.ts";
import type { Socket, SocketConstructor } from "./ports.ts";
import { socketUrl } from "./servers.ts";
import type { Timing } from "./timing.ts";

/** Compared by the compiler with what the protocol says, whose modules are the servers'. */
const VERSION: typeof PROTOCOL_VERSION = 1;

/** What the owner of a connection sees of a link. */
export interface Link {
  send(text: string): void;
}

export type LinkFacts = Link & {
  readonly server: string;
  readonly socket: Socket;
  /** Monotonic ms. */
  readonly dialledAt: number;
  opened: boolean;
  greeting: "none" | "asked" | "done";
  /** `replaying`: resumed, and what was missed is on its way. */
  session: "none" | "asked" | "replaying" | "done";
  /** How often it was asked; answers and events of an earlier time tell nothing. */
  resumes: number;
  /** From where it was resumed last. */
  resumedFrom: string | undefined;
  cursorRefused: boolean;
  /** Monotonic ms of the last sign of life. */
  heardAt: number;
  pingedAt: number | undefined;
  liveSince: number | undefined;
  /** Set when the server said that it stops: monotonic ms until which answers are awaited. */
  leaveBy: number | undefined;
  /** What the server calls itself. */
  name: string | undefined;
  /** `deliberate`: we wanted it to end, the server did nothing wrong. */
  ended: { error: HoldfastError | undefined; deliberate: boolean } | undefined;
  /** Answers that wait until this link is live: see spare.ts. */
  readonly early: Answer[];
};
export type Answer = Extract<Frame, { kind: "answer" }>;

export type SocketInputs = {
  opened(link: LinkFacts): void;
  heard(link: LinkFacts, data: unknown): void;
  closed(link: LinkFacts, code: number | undefined): void;
};

/** Throws what the runtime throws for an address it does not let us dial. */
export function dial(
  WebSocket: SocketConstructor,
  server: string,
  now: number,
  inputs: SocketInputs,
): LinkFacts {
  const socket = new WebSocket(socketUrl(server));
  const link: LinkFacts = {
    server,
    socket,
    opened: false,
    greeting: "none",
    session: "none",
    resumes: 0,
    resumedFrom: undefined,
    cursorRefused: false,
    heardAt: now,
    pingedAt: undefined,
    liveSince: undefined,
    leaveBy: undefined,
    name: undefined,
    ended: undefined,
    early: [],
    dialledAt: now,
    send(text) {
      if (link.ended !== undefined) return;
      try {
        socket.send(text);
      } catch {
        inputs.closed(link, undefined);
      }
    },
  };
  socket.addEventListener("open", () => inputs.opened(link));
  socket.addEventListener("message", (event) => inputs.heard(link, event.data));
  socket.addEventListener("close", (event) => inputs.closed(link, event.code));
  socket.addEventListener("error", () => inputs.closed(link, undefined));
  return link;
}

/** A request of the link's own; its answer comes under this id. */
export function ask(link: LinkFacts, id: string, method: string, params: object): void {
  link.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
}

export function greet(link: LinkFacts): void {
  link.greeting = "asked";
  ask(link, "hello", "server.hello", { protocol: VERSION, client: "holdfast" });
}

export function resume(link: LinkFacts, credentials: Credentials): void {
  const cursor = link.cursorRefused ? undefined : credentials.cursor;
  link.session = "asked";
  link.resumedFrom = cursor;
  link.resumes++;
  const params = { token: credentials.token, ...(cursor === undefined ? {} : { cursor }) };
  ask(link, resumeId(link), "session.resume", params);
}

/** The id of what was asked last: a link that became the first one may have asked as the spare. */
export function resumeId({ resumes }: LinkFacts): string {
  return resumes === 1 ? "resume" : `resume ${resumes}`;
}

/** Abandons the socket: its closing handshake may never come, and nobody waits for it. */
export function hangUp(link: LinkFacts): void {
  try {
    link.socket.close();
  } catch {
    // One that was never open may refuse to be closed.
  }
}

/** Monotonic ms at which the link counts as dead if nothing is heard until then; `round` of failures. */
export function deadAt(link: LinkFacts, round: number, timing: Timing): number {
  if (link.session === "done") return link.heardAt + 2 * timing.beatMs + timing.beatGraceMs;
  if (link.liveSince === undefined || link.session !== "none") {
    return link.heardAt + Math.min(timing.connectMsMax, timing.connectMs * 2 ** Math.min(round, 9));
  }
  return link.pingedAt === undefined ? Number.POSITIVE_INFINITY : link.pingedAt + timing.silentMs;
}

/** Monotonic ms at which to ask for a sign of life, on a link that has no beats. */
export function pingAt(link: LinkFacts, inFlight: number, timing: Timing): number {
  const beatless = link.liveSince !== undefined && link.session === "none";
  if (!beatless || inFlight === 0 || link.pingedAt !== undefined) return Number.POSITIVE_INFINITY;
  return link.heardAt + timing.quietMs;
}
