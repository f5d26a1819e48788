/**
 * What the carriers of a link say to each other once it is sealed, beside what the replicas say (peer.ts):
 * JSON text whose type begins with `link.`. Types that a release does not know are left alone.
 */
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { LINKS_MAX } from "../core/limits.ts";
import { Bytes32, RefusalCode, SecretId } from "./peer-hello.ts";

export const linkMessages = {
  /** This link ends, and why. */
  "link.refused": Type.Object({ type: Type.Literal("link.refused"), code: RefusalCode }),
  /** The cluster's secret as the sender has it. Of two the one of the higher generation holds. */
  "link.secret": Type.Object({
    type: Type.Literal("link.secret"),
    cluster: Type.String({ pattern: "^[!-~]{1,64}$" }),
    generation: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
    secret: Bytes32,
  }),
  /** Whom the sender is linked to and hears, by name and by the number of the process (hello: instance). */
  "link.meets": Type.Object({
    type: Type.Literal("link.meets"),
    processes: Type.Array(
      Type.Tuple([Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,31}$" }), Bytes32]),
      { maxItems: LINKS_MAX },
    ),
  }),
  /** Which secret the sender has on its disk now. */
  "link.holds": Type.Object({ type: Type.Literal("link.holds"), secret: SecretId }),
} as const;

export type LinkMessage = {
  [K in keyof typeof linkMessages]: Static<(typeof linkMessages)[K]>;
}[keyof typeof linkMessages];
export type ToldSecret = Omit<Extract<LinkMessage, { type: "link.secret" }>, "type">;

const START = '{"type":"link.';
const checks = new Map(
  Object.entries(linkMessages).map(([type, schema]) => [type, Compile(schema)] as const),
);

export function encodeLinkMessage(message: LinkMessage): string {
  const { type, ...rest } = message;
  return JSON.stringify({ type, ...rest });
}

/** Whether a frame is for the carrier and not for the replica. */
export function isLinkMessage(frame: string | Uint8Array): frame is string {
  return typeof frame === "string" && frame.startsWith(START);
}

/** `unknown`: of a later release; null for what no release says. */
export function decodeLinkMessage(frame: string): LinkMessage | "unknown" | null {
  let said: unknown;
  try {
    said = JSON.parse(frame);
  } catch {
    return null;
  }
  const { type } = said as { type?: unknown };
  if (typeof type !== "string") return null; // named twice
  const check = checks.get(type);
  if (check === undefined) return "unknown";
  return check.Check(said) ? (said as LinkMessage) : null;
}
