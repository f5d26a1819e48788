/**
 * A network of hosts: connections that carry frames in order, and what befalls them.
 *
 * A cut is silent, as a firewall's: what is sent waits, as it does in TCP, until the cut is over or somebody gives
 * the connection up. A break ends a connection for both sides, with all that was on its way after a random
 * frame. A process that dies resets its connections; one that is frozen keeps them and takes nothing in.
 * Parts of a frame never arrive, as with WebSockets: a connection lost at any byte is one lost between two frames.
 */
import type { Chance } from "./chance.ts";
import type { ProcessClock, Time } from "./clock.ts";
import type { Trace } from "./trace.ts";

export type Frame = string | Uint8Array<ArrayBuffer>;
export type DialFailure = "connection_refused" | "not_ready";

/** A process on a host. */
export type Process = { readonly host: string; readonly clock: ProcessClock };

/** What one end of a connection hears; nothing after `failed` or `closed`, of which one comes once. */
export interface Ear {
  opened(): void;
  received(frame: Frame): void;
  /** Some of what was sent has been taken. */
  drained?(): void;
  closed(code: number): void;
  failed?(why: DialFailure): void;
}

/** Takes a connection, or does not: null. */
export type Acceptor = (from: string, end: End) => Ear | null;

type Service = { readonly process: Process; readonly accept: Acceptor };
type What =
  | { readonly is: "opened" }
  | { readonly is: "frame"; readonly frame: Frame }
  | { readonly is: "closed"; readonly code: number };
type Item = { readonly what: What; readonly atMs: number };

export const LOST = 1006;
/** How often what waits for the end of a cut is sent again. */
const AGAIN_MS: readonly [number, number] = [40, 200];
const DIAL_AGAIN_MS = 1_000;

/** One end of a connection, and the lane of what it sends. */
export class End {
  readonly process: Process;
  ear: Ear | null = null;
  other!: End;
  isOver = false;
  /** Sent and not taken by the other process. */
  backlogBytes = 0;
  readonly lane: Item[] = [];
  isMoving = false;
  lastMs = 0;
  private readonly network: Network;

  constructor(network: Network, process: Process) {
    this.network = network;
    this.process = process;
  }

  send(frame: Frame): void {
    if (this.isOver || this.process.clock.isDead) return;
    this.backlogBytes += frame.length;
    this.network.put(this, { is: "frame", frame });
  }

  /** Ends it behind what was sent. */
  close(code: number): void {
    if (this.isOver) return;
    this.network.finish(this);
    this.network.put(this, { is: "closed", code });
  }

  /** Ends it now; what was sent lately may be lost. */
  cut(): void {
    if (this.isOver) return;
    this.network.finish(this);
    this.network.lose(this, LOST);
  }
}

export class Network {
  /** ms: at least and at most, of each frame. */
  delayMs: readonly [number, number] = [0.1, 2];
  /** Frames carried. */
  frames = 0;
  private readonly time: Time;
  private readonly chance: Chance;
  private readonly trace: Trace;
  private readonly services = new Map<string, Service>();
  private readonly ends = new Set<End>();
  /** `from to`, in one direction. */
  private readonly cuts = new Set<string>();
  /** `from to`: nothing arrives before then. */
  private readonly clogs = new Map<string, number>();

  constructor(time: Time, chance: Chance, trace: Trace) {
    this.time = time;
    this.chance = chance;
    this.trace = trace;
  }

  /** `address`: `HOST/PATH`. */
  serve(address: string, process: Process, accept: Acceptor): void {
    this.services.set(address, { process, accept });
  }

  /** Takes no more connections there. */
  unserve(address: string): void {
    this.services.delete(address);
  }

  dial(process: Process, address: string, ear: Ear): End {
    const end = new End(this, process);
    const there = new End(this, process);
    end.ear = ear;
    end.other = there;
    there.other = end;
    this.ends.add(end);
    this.reach(end, address);
    return end;
  }

  private reach(end: End, address: string): void {
    const [to = ""] = address.split("/", 1);
    const { process } = end;
    this.time.at(this.delayOf(process.host, to), () => {
      if (end.isOver || process.clock.isDead) return;
      if (this.isCut(process.host, to) || this.isCut(to, process.host)) {
        this.time.at(DIAL_AGAIN_MS, () => this.reach(end, address));
        return;
      }
      const service = this.services.get(address);
      if (service === undefined || service.process.clock.isDead) {
        this.answer(end, () => this.fail(end, "connection_refused"));
      } else {
        service.process.clock.run(() => this.accept(end, service));
      }
    });
  }

  private accept(end: End, { process, accept }: Service): void {
    if (end.isOver) return;
    const there = new End(this, process);
    there.other = end;
    const ear = accept(end.process.host, there);
    if (ear === null) {
      this.answer(end, () => this.fail(end, "not_ready"));
      return;
    }
    there.ear = ear;
    end.other = there;
    this.ends.add(there);
    this.put(there, { is: "opened" }); // tells the one that dialled
    ear.opened();
  }

  private fail(end: End, why: DialFailure): void {
    if (end.isOver) return;
    this.finish(end);
    end.ear?.failed?.(why);
  }

  private answer(end: End, act: () => void): void {
    const { process } = end;
    this.time.at(this.delayOf(process.host, process.host), () => process.clock.run(act));
  }

  isCut(from: string, to: string): boolean {
    return this.cuts.has(`${from} ${to}`);
  }

  cut(from: string, to: string): void {
    this.cuts.add(`${from} ${to}`);
  }

  heal(from: string, to: string): void {
    this.cuts.delete(`${from} ${to}`);
    this.clogs.delete(`${from} ${to}`);
  }

  healAll(): void {
    this.cuts.clear();
    this.clogs.clear();
  }

  /** Nothing from one host arrives at the other for a while. */
  clog(from: string, to: string, ms: number): void {
    this.clogs.set(`${from} ${to}`, this.time.nowMs + ms);
  }

  /** Breaks connections between two hosts; how many there were. */
  break(a: string, b: string): number {
    let broken = 0;
    for (const end of [...this.ends]) {
      if (end.process.host !== a || end.other.process.host !== b || end.isOver) continue;
      if (!this.ends.has(end.other)) continue;
      broken++;
      this.lose(end, LOST);
      this.lose(end.other, LOST);
    }
    return broken;
  }

  /** The process is gone: what it served, and its connections. */
  gone(process: Process): void {
    for (const [address, service] of this.services) {
      if (service.process === process) this.services.delete(address);
    }
    for (const end of [...this.ends]) {
      if (end.process !== process) continue;
      this.finish(end);
      this.lose(end, LOST);
    }
  }

  /** The largest backlog of any connection, bytes. */
  get longestBacklog(): number {
    let longest = 0;
    for (const { backlogBytes } of this.ends) longest = Math.max(longest, backlogBytes);
    return longest;
  }

  private delayOf(from: string, to: string): number {
    const [least, most] = this.delayMs;
    const clogged = (this.clogs.get(`${from} ${to}`) ?? 0) - this.time.nowMs;
    return Math.max(0, clogged) + this.chance.between(least, most);
  }

  put(from: End, what: What): void {
    const delay = this.delayOf(from.process.host, from.other.process.host);
    const atMs = Math.max(from.lastMs, this.time.nowMs + delay);
    from.lastMs = atMs;
    from.lane.push({ what, atMs });
    this.move(from);
  }

  /** What this end sent is lost after a random frame; then the other end hears that it is over. */
  lose(from: End, code: number): void {
    from.lane.length = this.chance.below(from.lane.length + 1);
    this.put(from, { is: "closed", code });
  }

  finish(end: End): void {
    end.isOver = true;
    this.ends.delete(end);
  }

  private move(from: End): void {
    const [first] = from.lane;
    if (first === undefined || from.isMoving) return;
    from.isMoving = true;
    this.time.at(first.atMs - this.time.nowMs, () => this.arrive(from));
  }

  private arrive(from: End): void {
    from.isMoving = false;
    const [item] = from.lane;
    const { other } = from;
    if (item === undefined || other.isOver || other.process.clock.isDead) {
      from.lane.length = 0;
      return;
    }
    if (this.isCut(from.process.host, other.process.host)) {
      from.isMoving = true;
      this.time.at(this.chance.between(...AGAIN_MS), () => this.arrive(from));
      return;
    }
    from.lane.shift();
    other.process.clock.run(() => this.hand(from, other, item.what));
    this.move(from);
  }

  private hand(from: End, to: End, what: What): void {
    if (what.is === "frame") from.backlogBytes -= what.frame.length;
    if (to.isOver) return;
    switch (what.is) {
      case "opened":
        to.ear?.opened();
        break;
      case "closed":
        this.finish(to);
        to.ear?.closed(what.code);
        break;
      case "frame": {
        const { frame } = what;
        this.frames++;
        this.trace.frame(from.process.host, to.process.host, frame);
        to.ear?.received(frame);
        if (!from.isOver) from.process.clock.run(() => from.ear?.drained?.());
      }
    }
  }
}
