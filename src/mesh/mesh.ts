/**
 * Real links between servers: who is dialled, who may link, which of two connections to one peer stays.
 *
 * The replica gets one link per peer, authenticated, with frames whole and in order (ports.ts: Links). All
 * ends of connections tell this class what happens to them; what may become a link is one decision,
 * {@link Mesh.judge}, asked by both ends of a handshake before either has proved anything it can't take back.
 *
 * Invariants:
 * 1. At most one link per name. A link that is heard is never given up for another one, so nobody leaves the
 *    in-sync set because somebody dialled.
 * 2. Of two handshakes with one peer at once, one from each side, both sides keep the one that the smaller
 *    name dialled: an own handshake that proved itself is pledged, and a second one is judged against it.
 * 3. A name belongs to the process that has it, as long as that is heard; another one is refused and told.
 */
import { toBase64Url } from "../core/bytes.ts";
import {
  HAND_OVER_MS,
  JOIN_CLOCK_MS_MAX,
  JOIN_DEADLINE_MS,
  LINK_SILENT_MS,
  LINKS_MAX,
  SERVERS_MAX,
  SUSPECT_AFTER_MS,
} from "../core/limits.ts";
import type { Hello } from "../protocol/peer-hello.ts";
import type { LinkMessage } from "../protocol/peer-link.ts";
import type {
  Clock,
  LinkListener,
  Links,
  PeerFrame,
  PeerIdentity,
  Random,
  Timer,
} from "../replica/ports.ts";
import { AcceptedWire } from "./accepted-wire.ts";
import { type Address, AddressBook } from "./address-book.ts";
import { type Admission, admit, NO_ADMISSION } from "./admission.ts";
import { type DialListener, DialledWire } from "./dialled-wire.ts";
import { Gate } from "./gate.ts";
import type { Self } from "./handshake.ts";
import { type Ending, LinkEnd, type LinkHost } from "./link-end.ts";
import type { LinkSecrets, MetBy } from "./link-secret.ts";
import { LinkHistory, type LinkStatus, linkStatuses } from "./link-status.ts";
import { Meetings } from "./meetings.ts";
import type { Role } from "./proof.ts";
import { type LinkProblem, type LinkRefusal, QUIET_REFUSALS } from "./refusals.ts";
import { type Keyring, SecretSpread } from "./secret-spread.ts";
import type { ServerKey } from "./server-key.ts";
import type { Wire } from "./wire.ts";

/** How often the members' addresses and keys are looked at. */
const LOOK_INTERVAL_MS = 500;

/** A server as the cluster knows it. */
export type KnownServer = {
  readonly name: string;
  /** Public key, as text; empty if none is recorded. */
  readonly key: string;
  readonly url: string;
  readonly isRemoved: boolean;
};

/** What the mesh asks of the view. */
export interface Membership {
  get(name: string): KnownServer | undefined;
  list(): Iterable<KnownServer>;
}

export interface MeshLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

export type MeshOptions = {
  readonly self: Omit<Self, "instance">;
  readonly keyring: Keyring;
  /** Who is let in by a token; without it nobody is. */
  readonly admission?: Admission;
  readonly key: ServerKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MeshLog;
  readonly members: Membership;
  /** Addresses to dial, `http://HOST:PORT` or `https://HOST:PORT`. */
  readonly peers: readonly string[];
  /** PEM of who signed the peers' certificates, if it is none of the usual. */
  readonly ca: string | null;
  /** A link came, went or failed. */
  readonly changed?: () => void;
  /** How a connection is opened; another way for tests. */
  readonly connect?: (url: string, listener: DialListener) => Wire;
};

export class Mesh implements Links, LinkHost {
  private readonly options: MeshOptions;
  private readonly self: Self;
  private readonly addresses: AddressBook;
  private readonly gate: Gate;
  private readonly admission: Admission;
  private readonly secrets: LinkSecrets;
  readonly spread: SecretSpread;
  /** When a removed server was first met: from then on it has HAND_OVER_MS. */
  private readonly handingOver = new Map<string, number>();
  private readonly ends = new Set<LinkEnd>();
  private readonly links = new Map<string, LinkEnd>();
  /** Own handshakes that have proved who this server is, by the name of the other. */
  private readonly pledged = new Map<string, LinkEnd>();
  private readonly meetings: Meetings;
  /** Since when another process is heard elsewhere under the name of a link. */
  private readonly disputed = new Map<string, number>();
  private readonly history: LinkHistory;
  /** Servers that are to be out of reach. */
  private severed: ReadonlySet<string> = new Set();
  private listener: LinkListener | null = null;
  private timer: Timer | null = null;
  private isStopped = false;

  constructor(options: MeshOptions) {
    this.options = options;
    const { clock, random, self } = options;
    this.self = { ...self, instance: toBase64Url(random.bytes(32)) };
    this.gate = new Gate(clock);
    this.meetings = new Meetings(clock);
    this.history = new LinkHistory(clock, options.log);
    const { keyring, admission = NO_ADMISSION, log } = options;
    this.admission = admission;
    this.secrets = {
      get told() {
        return keyring.told;
      },
      token: (id) => admission.token(id),
    };
    this.spread = new SecretSpread({
      keyring,
      clock,
      log,
      links: () => this.links.values(),
      isMember: ({ server, key }) => {
        const known = options.members.get(server);
        return known !== undefined && !known.isRemoved && known.key === key;
      },
    });
    this.addresses = new AddressBook({
      clock,
      random,
      dial: (address) => this.dial(address),
      isLinked: (server) => this.links.has(server),
    });
  }

  listen(listener: LinkListener): void {
    this.listener = listener;
  }

  /** Begins to dial. */
  start(): void {
    this.addresses.configure(this.options.peers);
    const look = () => {
      if (this.isStopped) return;
      this.timer = this.options.clock.schedule(LOOK_INTERVAL_MS, look);
      this.look();
    };
    look();
  }

  /** Follows what the cluster knows of its servers. */
  private look(): void {
    const urls = new Map<string, string>();
    for (const { name, url, isRemoved } of this.options.members.list()) {
      if (name !== this.self.server && !isRemoved && url !== "") urls.set(name, url);
    }
    this.addresses.learn(urls);
    for (const [name, end] of this.links) {
      const known = this.options.members.get(name);
      const key = known?.key ?? "";
      if (key !== "" && key !== end.theirs?.key) end.refuse("wrong_key");
      else if (known?.isRemoved && this.isHandedOver(name)) end.refuse("removed");
      else if (known?.isRemoved === false) this.handingOver.delete(name);
      if (this.isLost(name, end)) end.refuse("name_in_use");
    }
    this.meetings.tell(this.links.values());
  }

  /**
   * Whether the process at the other end has to give up its name: another one is heard elsewhere, and goes on
   * being heard, so it is none that has just gone. Both were let in while their servers were apart: the
   * smaller number stays, whoever looks.
   */
  private isLost(name: string, { theirs }: LinkEnd): boolean {
    const { instance } = theirs as Hello;
    const nowMs = this.options.clock.monotonicMs();
    const other = this.meetings.other(this.links.values(), name, instance);
    const sinceMs = this.disputed.get(name) ?? nowMs;
    if (other === null) this.disputed.delete(name);
    else this.disputed.set(name, sinceMs);
    return other !== null && other < instance && nowMs - sinceMs >= LINK_SILENT_MS;
  }

  /** Whether a removed server has had its time to hand over what only it has. */
  private isHandedOver(name: string): boolean {
    const nowMs = this.options.clock.monotonicMs();
    const sinceMs = this.handingOver.get(name) ?? nowMs;
    this.handingOver.set(name, sinceMs);
    return nowMs - sinceMs >= HAND_OVER_MS;
  }

  private open(role: Role, address: string): LinkEnd {
    const { key, clock, random } = this.options;
    const end = new LinkEnd({
      role,
      address,
      self: this.self,
      secrets: this.secrets,
      key,
      clock,
      random,
      host: this,
    });
    this.ends.add(end);
    return end;
  }

  /**
   * Holds links with these servers down, both ways, and no others: for trying what happens then. A network
   * that is cut says nothing either.
   */
  sever(servers: ReadonlySet<string>): void {
    const mended = [...this.severed].filter((name) => !servers.has(name));
    this.severed = servers;
    for (const end of this.ends) {
      if (servers.has(end.theirs?.server ?? "")) end.sever();
    }
    // Behind the ends of these links.
    this.options.clock.schedule(0, () => {
      for (const name of [...mended, ...servers]) this.addresses.again(name);
    });
  }

  private dial({ url, server }: Address): void {
    const { ca, clock, connect } = this.options;
    const end = this.open("dialler", url);
    if (this.severed.has(server ?? "")) {
      end.sever();
      return;
    }
    const wire = connect === undefined ? new DialledWire(clock, url, ca, end) : connect(url, end);
    end.carriedBy(wire);
  }

  /** A peer's connection to this server's port, from an address; null if there is no room for it. */
  accept(address: string): AcceptedWire | null {
    if (this.isStopped || !this.gate.enter(address)) return null;
    const end = this.open("acceptor", address);
    return new AcceptedWire(this.options.clock, (wire) => {
      end.carriedBy(wire);
      return end;
    });
  }

  judge(end: LinkEnd, theirs: Hello, mine: Hello, met: MetBy): LinkRefusal | null {
    const { server, store } = theirs;
    if (this.isStopped) return "busy";
    if (this.severed.has(server)) {
      end.sever();
      return "busy"; // nothing is sent any more
    }
    if (store === mine.store) return "copied_store";
    if (server === mine.server) return "name_in_use";
    const held = this.judgeHeld(end, theirs);
    if (held !== null) return held;
    const links = this.links.values();
    if (this.meetings.other(links, server, theirs.instance) !== null) return "name_in_use";
    if (met.is === "token") return this.judgeJoin(theirs, met);
    const known = this.options.members.get(server);
    const key = known?.key ?? "";
    if (key !== "" && key !== theirs.key) return "wrong_key";
    if (known?.isRemoved && this.isHandedOver(server)) return "removed";
    if (key === "") {
      if (met.is === "former") return "old_secret";
      if (this.isClockOff(theirs)) return "clock";
      if (this.isRemovedKey(theirs.key)) return "removed";
    }
    if (this.links.size >= LINKS_MAX && !this.links.has(server)) return "busy";
    return this.judgePledged(end, server);
  }

  /** Of one that is no member yet, or no more. */
  private judgeJoin(theirs: Hello, met: MetBy): LinkRefusal | null {
    const known = this.options.members.get(theirs.server);
    const isMember = known !== undefined && !known.isRemoved;
    if (isMember && known.key !== "" && known.key !== theirs.key) return "wrong_key";
    if (this.isClockOff(theirs)) return "clock";
    let count = 1;
    for (const { name, isRemoved } of this.options.members.list()) {
      if (!isRemoved && name !== this.self.server) count++;
    }
    if (!isMember && count >= SERVERS_MAX) return "full";
    return this.admission.judge(met.id, theirs);
  }

  private isClockOff({ wallMs }: Hello): boolean {
    return Math.abs(wallMs - this.options.clock.wallMs()) > JOIN_CLOCK_MS_MAX;
  }

  /** A removed server does not come back by giving another name. */
  private isRemovedKey(key: string): boolean {
    for (const known of this.options.members.list()) {
      if (known.isRemoved && known.key === key) return true;
    }
    return false;
  }

  /** Against the link that there is. */
  private judgeHeld(end: LinkEnd, theirs: Hello): LinkRefusal | null {
    const held = this.links.get(theirs.server);
    if (held === undefined) return null;
    const isHeard = this.options.clock.monotonicMs() - held.heardMs < SUSPECT_AFTER_MS;
    if (held.theirs?.instance !== theirs.instance) return isHeard ? "name_in_use" : null;
    // Who dialled the link dials again: it knows that its end is gone.
    if (end.role === "acceptor" && held.role === "acceptor") return null;
    return isHeard ? "duplicate" : null;
  }

  /** Against another handshake with the same server. */
  private judgePledged(end: LinkEnd, server: string): LinkRefusal | null {
    const other = this.pledged.get(server);
    if (end.role === "dialler") {
      if (other !== undefined && other !== end) return "duplicate";
      this.pledged.set(server, end);
      return null;
    }
    if (other === undefined) return null;
    if (this.self.server < server) return "duplicate";
    other.refuse("duplicate");
    return null;
  }

  authenticated(end: LinkEnd): void {
    if (end.met?.is === "token") {
      this.options.clock.schedule(JOIN_DEADLINE_MS, () => end.refuse("too_slow"));
      void admit(this.admission, end, this.options.log);
      return;
    }
    const { server, store, key, url, wallMs, release } = end.theirs as Hello;
    if (end.role === "acceptor") this.gate.left(end.address, true);
    this.unpledge(end);
    const old = this.links.get(server);
    this.links.set(server, end);
    if (old !== undefined) {
      this.listener?.unlinked(old, "another link took its place");
      old.refuse("duplicate");
    }
    if (end.role === "dialler") {
      const address = this.addresses.get(end.address);
      if (address !== undefined) address.server = server;
    }
    this.history.linked(end);
    const identity: PeerIdentity = { name: server, storeId: store, key, url, wallMs, release };
    this.listener?.linked(identity, end);
    this.spread.linked(end);
    this.meetings.tell(this.links.values());
    this.options.changed?.();
  }

  received(end: LinkEnd, frame: PeerFrame): void {
    if (this.isCurrent(end)) this.listener?.received(end, frame);
  }

  told(end: LinkEnd, message: LinkMessage): void {
    if (!this.isCurrent(end)) return;
    if (message.type === "link.meets") this.meetings.heard(end, message.processes);
    else this.spread.told(end, message);
  }

  ended(end: LinkEnd, ending: Ending): void {
    this.ends.delete(end);
    this.unpledge(end);
    const wasLinked = this.history.wasLinked(end);
    const { theirs } = end;
    if (end.role === "acceptor" && !wasLinked) {
      const isGood = end.met?.is === "token" && ending.problem === "lost";
      this.gate.left(end.address, isGood || QUIET_REFUSALS.has(ending.problem));
    }
    this.history.ended(end, ending);
    const wasCurrent = this.isCurrent(end);
    if (wasCurrent && theirs !== null) {
      this.links.delete(theirs.server);
      this.meetings.tell(this.links.values());
      if (!this.isStopped) this.listener?.unlinked(end, ending.detail ?? ending.problem);
    }
    if (end.role === "dialler") {
      const address = this.addresses.get(end.address);
      if (address !== undefined && theirs !== null) address.server = theirs.server;
      const linkedMs = wasLinked ? this.options.clock.monotonicMs() - end.sinceMs : null;
      this.addresses.ended(end.address, linkedMs, ending.problem === "itself");
    }
    if (wasCurrent && theirs !== null) this.addresses.lost(theirs.server);
    this.options.changed?.();
  }

  private isCurrent(end: LinkEnd): boolean {
    return end.theirs !== null && this.links.get(end.theirs.server) === end;
  }

  private unpledge(end: LinkEnd): void {
    const name = end.theirs?.server;
    if (name !== undefined && this.pledged.get(name) === end) this.pledged.delete(name);
  }

  /** Links and addresses, with what is wrong where something is. */
  status(): LinkStatus[] {
    return linkStatuses(this.options.clock, this.links.values(), this.addresses.all, this.history);
  }

  get linkCount(): number {
    return this.links.size;
  }

  /** Ended connections and refused handshakes since the start, by reason. */
  get endings(): ReadonlyMap<LinkProblem, number> {
    return this.history.counts;
  }

  /** Ends all links behind what was sent on them. */
  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
    this.addresses.stop();
    for (const end of [...this.ends]) end.leave();
  }
}
