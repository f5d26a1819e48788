/**
 * Where two branches of an incarnation part.
 *
 * Each side answers with chain hashes of its own log between the last seq at which both are known to be equal and
 * the first at which they are not, CHAIN_SAMPLES_MAX of them: a million ops are searched in four messages. Nothing is
 * remembered between two messages, so it does not matter who began, or that both did. What one side has told of the
op after the fork says nothing of what it was told: the side that keeps the name answers until the other splits, and
that one answers no more. Pure but for the log.
 */
import { branchName, keepsName } from "../core/branch.ts";
import { equalBytes, fromBase64Url, toBase64Url } from "../core/bytes.ts";
import type { Incarnation } from "../core/ids.ts";
import { CHAIN_SAMPLES_MAX } from "../core/limits.ts";
import type { PeerMessage } from "../protocol/peer.ts";
import type { Log, Split } from "./ports.ts";

type Chains = PeerMessage<"chains">;
type Samples = Chains["at"];

export type Finding =
  /** To be said to the other side. */
  | { readonly what: "answer"; readonly at: Samples }
  /** The other side's op keeps the name: ours after the fork is to become a branch. */
  | { readonly what: "split"; readonly split: Split }
  /** As far as both go they hold the same: what seemed a branch was a moment. */
  | { readonly what: "same" };

/** What the search begins with. */
export function firstSamples(log: Log, origin: Incarnation): Samples {
  const head = log.vector().get(origin);
  return head === undefined ? [] : samples(log, origin, head.base?.seq ?? 0, head.seq);
}

/** What follows from chain hashes that the other side has. */
export function compareChains(log: Log, { origin: name, at: theirs }: Chains): Finding {
  const origin = name as Incarnation;
  const head = log.vector().get(origin);
  if (head === undefined || theirs.length === 0) return { what: "same" };
  let low = head.base?.seq ?? 0;
  let high: { seq: number; theirs: Uint8Array; mine: Uint8Array } | null = null;
  for (const [seq, text] of [...theirs].sort(([a], [b]) => a - b)) {
    const mine = log.chainAt(origin, seq);
    const chain = fromBase64Url(text) ?? new Uint8Array();
    if (mine === null) continue;
    if (!equalBytes(mine, chain)) {
      high = { seq, theirs: chain, mine };
      break;
    }
    low = Math.max(low, seq);
  }
  if (high === null) {
    const isAll = low === head.seq || theirs.every(([seq]) => seq <= head.seq);
    return isAll ? { what: "same" } : { what: "answer", at: samples(log, origin, low, head.seq) };
  }
  if (high.seq > low + 1) return { what: "answer", at: samples(log, origin, low, high.seq) };
  if (keepsName(high.theirs, high.mine)) {
    return {
      what: "split",
      split: { origin, afterSeq: low, branch: branchName(origin, high.mine) },
    };
  }
  // The other side splits when it has read these two, and says no more.
  return { what: "answer", at: samples(log, origin, low, high.seq) };
}

/** Chain hashes after `low` up to `high`, evenly, and that at `low` where there is one. */
function samples(log: Log, origin: Incarnation, low: number, high: number): Samples {
  const step = Math.max(1, (high - low) / CHAIN_SAMPLES_MAX);
  const seqs = new Set([low]);
  for (let at = low + step; at < high; at += step) seqs.add(Math.floor(at));
  seqs.add(high);
  const found: Samples = [];
  for (const seq of seqs) {
    const chain = log.chainAt(origin, seq);
    if (chain !== null) found.push([seq, toBase64Url(chain)]);
  }
  return found;
}
