/** What handlers work with. */
import { Refusal } from "../core/errors.ts";
import type { Hash } from "../core/hash.ts";
import type { Clock, Random, View } from "../replica/ports.ts";
import type { Outcome, Replica } from "../replica/replica.ts";
import type { Access } from "./access.ts";
import type { Caller, Write } from "./command.ts";
import type { Markers } from "./markers.ts";
import type { MissedEvents } from "./missed.ts";
import type { Passwords } from "./passwords.ts";
import type { ServerEntry, SignUpPolicy } from "./ports.ts";
import type { Presence } from "./presence.ts";
import type { Render } from "./render.ts";
import type { Throttle } from "./throttle.ts";

export type Services = {
  readonly replica: Replica;
  readonly view: View;
  readonly access: Access;
  readonly render: Render;
  readonly passwords: Passwords;
  readonly presence: Presence;
  readonly markers: Markers;
  readonly missed: MissedEvents;
  readonly signUps: Throttle;
  readonly typing: Throttle;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: Hash;
  readonly cluster: string;
  readonly version: string;
  readonly servers: () => readonly ServerEntry[];
  readonly signUpDefault: SignUpPolicy;
  /** 32 bytes that only holders of the cluster's secret can compute. */
  readonly derive: (label: string) => Uint8Array;
  readonly isStopping: () => boolean;
  /** Tells those who have a conversation open. */
  readonly tellOpen: (conversation: string, method: "typing", params: object) => void;
};

/**
 * Writes an op for a caller: finds an earlier attempt, waits for what the decision depends on, decides, and
 * mints in the same turn. Resolves with the outcome once the op is durable and published.
 */
export async function write<D, B>(
  { replica, view }: Services,
  caller: Caller,
  request: Write<D, B>,
): Promise<Outcome> {
  const { author, id, kind } = request;
  const attempt = (): { outcome: Outcome | Promise<Outcome> } | null => {
    const plan = planOf(request, view);
    if ("n" in plan) {
      const receipt = replica.receiptOf(plan.n);
      return { outcome: { n: plan.n, receipt, repeated: true } };
    }
    const earlier = replica.earlier(author, id, kind, plan.content);
    if (earlier !== null) return { outcome: earlier };
    if (replica.isPending(plan.depends)) return null;
    plan.allow?.();
    const { content, changes } = plan;
    return { outcome: replica.mint({ author, id, kind, content, changes }) };
  };
  const { outcome } = await caller.line.inOrder(attempt, () => replica.nextFold());
  return outcome;
}

/** What to write; or, where that can no longer be said, the effect that is there already. */
function planOf<D, B>(request: Write<D, B>, view: View) {
  try {
    return request.plan();
  } catch (error) {
    const effect = error instanceof Refusal ? view.effect(request.author, request.id) : undefined;
    if (effect !== undefined) return { n: effect };
    throw error;
  }
}
