/** The narrow way between the connection and the client that owns it. */
import type { Result } from "../protocol/methods.ts";
import type { ConnectionStatus } from "./connection-status.ts";
import type { HoldfastError } from "./error.ts";
import type { Answer, Link } from "./link.ts";

export type Credentials = { readonly token: string; readonly cursor: string | undefined };

/** What the connection asks and tells its owner. */
export interface ConnectionOwner {
  /** Whether a connection is of use: somebody is signed in, or a request waits. */
  wanted(): boolean;
  /** What to resume with on a server. */
  credentials(server: string): Credentials | undefined;
  /** Requests sent on this link and unanswered. */
  inFlight(link: Link): number;
  /** The answer, if any, says why this server must not be used. */
  greeted(hello: Result<"server.hello">, server: string): HoldfastError | undefined;
  /** `lost`: the server could not read our cursor, so what was missed has to be read anew. */
  resumed(result: Result<"session.resume">, lost: boolean): void;
  /** A server would not resume the session; false if that says nothing of the session. */
  refused(error: HoldfastError, server: string): boolean;
  event(method: string, params: unknown): void;
  /** `isOld`: since it came its link was resumed, so its cursor says less than what is known. */
  answer(link: Link, frame: Answer, isOld: boolean): void;
  /** Whether somebody waits for the answer to this attempt. */
  awaits(attempt: number): boolean;
  /** A second server is about to be shown all that we have seen by now. */
  showing(): void;
  /** It was: what is overdue may go to it, too. */
  spare(link: Link): void;
  /** Requests may leave on this link from now on. */
  live(link: Link): void;
  /** Nothing more comes from this link. */
  broken(link: Link): void;
  status(status: ConnectionStatus): void;
  fault(error: unknown): void;
}
