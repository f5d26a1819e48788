/**
 * Frames between servers to what they say, and back.
 *
 * Nothing of a peer is believed: a frame is decoded whole, checked against its declared shape and bounds, or
 * refused. What a later release says and this one does not know comes out as null, to be passed over.
 */
import { Compile } from "typebox/compile";
import { Refusal } from "../core/errors.ts";
import { PEER_FRAME_BYTES_MAX } from "../core/limits.ts";
import { type PeerText, peerMessages } from "./peer.ts";
import { decodePeerOps, type PeerOps } from "./peer-ops.ts";

const checks = new Map(
  Object.entries(peerMessages).map(([type, schema]) => [type, Compile(schema)] as const),
);

export type PeerSaid = PeerText | ({ readonly type: "ops" } & PeerOps);

export function encodePeerText(message: PeerText): string {
  return JSON.stringify(message);
}

/** Throws Refusal `invalid` for what no server of any release says. */
export function decodePeerFrame(frame: string | Uint8Array): PeerSaid | null {
  if (frame.length > PEER_FRAME_BYTES_MAX) throw refused(`it has ${frame.length} bytes`);
  if (typeof frame !== "string") return { type: "ops", ...decodePeerOps(frame) };
  let said: unknown;
  try {
    said = JSON.parse(frame);
  } catch {
    throw refused("it is no JSON");
  }
  const type = typeof said === "object" && said !== null ? (said as { type?: unknown }).type : null;
  if (typeof type !== "string") throw refused("it has no type");
  const check = checks.get(type);
  if (check === undefined) return null;
  if (!check.Check(said)) throw refused(`it is no "${type}" as declared`);
  return said as PeerText;
}

function refused(why: string): Refusal {
  return new Refusal("invalid", `frame of a peer refused: ${why}`);
}
