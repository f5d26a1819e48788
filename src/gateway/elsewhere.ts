/**
 * What a server does that lacks what others hold: where it sends new sessions, and of what it cannot say "no".
 *
 * Problem: an emptied or cut-off server that is back would tell people that they have no account and no session,
 * and show them half a conversation, while a server beside it knows all. Approach: it takes no new session as long
 * as it hears a server that lacks far less, and says where that is. Two that each lack what the other has (as
 * after a partition) both serve: somebody must. Sessions that are here go on: what is missing comes to them as
 * events, and moving them would cost a resume and, where a server comes and goes, another one. A token that is
 * not known is refused for good only where no other server could know it.
 */
import { Refusal } from "../core/errors.ts";
import { PEER_LAG_OPS_MAX } from "../core/limits.ts";
import type { Replica } from "../replica/replica.ts";
import type { ClusterStatus } from "../replica/status.ts";
import type { ServerEntry } from "./ports.ts";
import type { Services } from "./services.ts";

/** A server is better off that lacks less than this share of what is missing here. */
const BETTER_SHARE = 0.1;
/** So many beats in a row must show it. */
const LOOKS_MIN = 3;
const RETRY_AFTER_MS = 1_000;

/** "Go to another server": which ones, best first. */
export class GoElsewhere extends Refusal {
  readonly servers: readonly ServerEntry[];

  constructor(message: string, servers: readonly ServerEntry[]) {
    super("behind", message, RETRY_AFTER_MS);
    this.servers = servers;
  }
}

/** Names of servers that a client is better off with; none unless this one knows that it lacks something. */
function betterServers({ name, isBehind, lagOps, servers }: ClusterStatus): string[] {
  if (!isBehind) return [];
  const others = servers.filter((server) => server.name !== name && !server.isRemoved);
  // Nothing is known to be missing while two tell each other what they hold; with no other at hand much may be.
  if (lagOps === 0 && others.some(({ isInSync }) => isInSync)) return [];
  const most = lagOps === 0 ? PEER_LAG_OPS_MAX : lagOps * BETTER_SHARE;
  return others
    .filter((server) => server.link === "live" && server.url !== "" && server.lagOps <= most)
    .sort((one, other) => one.lagOps - other.lagOps)
    .map((server) => server.name);
}

export class Elsewhere {
  private readonly replica: Replica;
  private readonly servers: () => readonly ServerEntry[];
  private looks = 0;
  private better: readonly string[] = [];

  constructor(replica: Replica, servers: () => readonly ServerEntry[]) {
    this.replica = replica;
    this.servers = servers;
  }

  /** Looks anew; with every beat of the servers. */
  look(): void {
    this.better = this.replica.isBehind ? betterServers(this.replica.status()) : [];
    this.looks = this.better.length === 0 ? 0 : this.looks + 1;
  }

  /** Two that meet each take the other for better until they have heard each other out. */
  private get isSettled(): boolean {
    return this.looks >= LOOKS_MIN;
  }

  /** Why clients should go to another server now; null if they need not. */
  get reason(): string | null {
    if (!this.isSettled) return null;
    const { lagOps } = this.replica.status();
    const lacks = lagOps === 0 ? "what others hold" : `${lagOps} ops`;
    return `behind: it still lacks ${lacks}; caught up: ${this.better.join(", ")}`;
  }

  /** Throws GoElsewhere if another server is to take new sessions. */
  assertTakesSessions(): void {
    if (!this.isSettled) return;
    const known = new Map(this.servers().map((server) => [server.name, server]));
    const where = this.better.map((name) => known.get(name)).filter((one) => one !== undefined);
    const whom = this.better.join(" or ");
    const what = `server ${this.replica.name} is behind and takes no new sessions: go to ${whom}`;
    throw new GoElsewhere(what, where);
  }
}

/**
 * Why something that is not known here may be known to another server: one cannot be asked, or its ops are not here
 * yet. A server that was told of others and has met none knows nothing of them. Null when all is here.
 */
function whyUnknown({ replica, links }: Pick<Services, "replica" | "links">): string | null {
  const { name, isBehind, servers } = replica.status();
  const others = servers.filter((server) => server.name !== name && !server.isRemoved);
  const unheard = others.find(({ isInSync }) => !isInSync);
  if (unheard !== undefined) return `server ${unheard.name} cannot be asked`;
  // One that knows of removed servers has met some, also if it is still told to dial them.
  const hasMetNone = servers.length === 1 && links().length > 0;
  return isBehind || hasMetNone ? "it lacks ops of others" : null;
}

/** The answer to a token that is not known here. */
export function unknownToken(services: Pick<Services, "replica" | "links">): Refusal {
  const why = whyUnknown(services);
  if (why === null)
    return new Refusal("unauthorized", "this token is not known here: sign in again");
  const { name } = services.replica;
  const what = `this token is not known on server ${name}, and ${why}: try again, or another server`;
  return new Refusal("unavailable", what, RETRY_AFTER_MS);
}

/**
 * The answer to a name or a password that does not fit what is here. It says the same whichever of the two is
 * wrong; who is new elsewhere, or has another password there, learns that this server may not know it yet.
 */
export function wrongCredentials(services: Pick<Services, "replica" | "links">): Refusal {
  const why = whyUnknown(services);
  const what = "the name or the password is wrong";
  if (why === null) return new Refusal("bad_credentials", what);
  const { name } = services.replica;
  const hint = `${what}, or newer than what server ${name} knows, because ${why}: try another server`;
  return new Refusal("bad_credentials", hint);
}
