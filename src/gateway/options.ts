/** What a gateway is made of. */
import type { RefusalCode } from "../core/errors.ts";
import type { Hash } from "../core/hash.ts";
import type { Clock, Random } from "../replica/ports.ts";
import type { Replica } from "../replica/replica.ts";
import type { CloseReason } from "./connections.ts";
import type {
  Broadcast,
  DigestOf,
  GatewayLog,
  LinkEntry,
  Membership,
  PasswordHasher,
  ServerEntry,
  SignUpPolicy,
} from "./ports.ts";

export type GatewayOptions = {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: Hash;
  readonly passwords: PasswordHasher;
  /** 32 bytes that only holders of the cluster's secret can compute, the same on every server. */
  readonly derive: (label: string) => Uint8Array;
  readonly cluster: string;
  readonly version: string;
  readonly servers: () => readonly ServerEntry[];
  /** Links to other servers, for `server.status`; none for a server alone. */
  readonly links?: () => readonly LinkEntry[];
  readonly digest?: DigestOf;
  /** What the operator does with servers; none where there are no links. */
  readonly membership?: Membership;
  /** Servers that must be able to store a write; 1 unless configured. */
  readonly minCopies?: number;
  readonly signUp: SignUpPolicy;
  /** Per account; 0 for no bound. */
  readonly writesPerSecond: number;
  readonly broadcast: Broadcast;
  readonly log: GatewayLog;
  /** Called for each answered request. */
  readonly observe: (method: string, code: "ok" | RefusalCode, seconds: number) => void;
  /** Called for each connection that the gateway closes. */
  readonly observeClose: (reason: CloseReason) => void;
};
