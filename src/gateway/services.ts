/** What handlers work with. */
import type { Hash } from "../core/hash.ts";
import type { AccountId } from "../core/ids.ts";
import type { Clock, Random, View } from "../replica/ports.ts";
import type { Replica } from "../replica/replica.ts";
import type { Access } from "./access.ts";
import type { Elsewhere } from "./elsewhere.ts";
import type { Folds } from "./folds.ts";
import type { HeldNews } from "./held-news.ts";
import type { Markers } from "./markers.ts";
import type { MissedEvents } from "./missed.ts";
import type { Passwords } from "./passwords.ts";
import type { DigestOf, LinkEntry, Membership, ServerEntry, SignUpPolicy } from "./ports.ts";
import type { Presence } from "./presence.ts";
import type { Render } from "./render.ts";
import type { Throttle } from "./throttle.ts";
import type { Typing } from "./typing.ts";

export type Services = {
  readonly replica: Replica;
  readonly view: View;
  readonly access: Access;
  readonly render: Render;
  readonly passwords: Passwords;
  readonly presence: Presence;
  readonly markers: Markers;
  readonly folds: Folds;
  readonly elsewhere: Elsewhere;
  /** Polls of `events.read` that wait, by account. */
  readonly polls: Map<AccountId, number>;
  readonly missed: MissedEvents;
  readonly signUps: Throttle;
  /** Who was told a short receipt hears when it grows. */
  readonly heldNews: HeldNews;
  readonly typing: Typing;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: Hash;
  readonly cluster: string;
  readonly version: string;
  readonly servers: () => readonly ServerEntry[];
  readonly links: () => readonly LinkEntry[];
  /** What of a range of the view stands on a server, this one or a linked one. */
  readonly digest: DigestOf;
  /** null for a server that takes no links. */
  readonly membership: Membership | null;
  readonly minCopies: number;
  readonly signUpDefault: SignUpPolicy;
  /** 32 bytes that only holders of the cluster's secret can compute. */
  readonly derive: (label: string) => Uint8Array;
  readonly isStopping: () => boolean;
};
