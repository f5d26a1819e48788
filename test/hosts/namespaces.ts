/**
 * Hosts of their own on this machine: network namespaces with an address each, on one switch.
 *
 * Problem: what servers do when a network breaks can't be seen on loopback. Approach: a namespace for each host
 * and one more that holds the bridge, so that nothing of the machine's own network is touched or needed. Where
 * packets come in, iptables of that namespace drops them, some of them, or answers them with a reset: what is
 * dropped goes nowhere without a word, and connections that were open hang. Namespaces carry the id of the process
 * that made them, and those of a dead one are removed first. Rejected: wrong hardware addresses for the other host
 * (they only cut whole directions); `tc netem` (not in every kernel); a bridge of the machine itself (its firewall
 * may filter it).
 */
import { spawnSync } from "node:child_process";
import { prepareIptables } from "../../scripts/iptables.mjs";

const PREFIX = "hf";
const INTERFACE = "eth0";
/** Reserved for tests of networks (RFC 2544): nobody else is there. */
const NETWORK = "198.18.7";

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}

const ip = (...args: readonly string[]) => run("ip", args);

/** Why there can be no such hosts here; null if there can. */
export function whyNoHosts(): string | null {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root, for network namespaces";
  const found = prepareIptables();
  if ("missing" in found) return found.missing;
  try {
    const hosts = new Hosts(["one", "other"]);
    hosts.tryRules();
    hosts.remove();
    return null;
  } catch (error) {
    return `no network namespaces here: ${(error as Error).message.slice(0, 200)}`;
  }
}

/** Namespaces of processes that are gone, with whatever still runs in them. */
function removeLeftOvers(): void {
  for (const line of ip("netns", "list").split("\n")) {
    const [name = ""] = line.split(" ");
    const pid = Number(new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    removeNamespace(name);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function removeNamespace(name: string): void {
  for (const pid of ip("netns", "pids", name).split("\n").filter(Boolean)) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // it went by itself
    }
  }
  ip("netns", "del", name);
}

let made = 0;

export class Hosts {
  private readonly names: readonly string[];
  private readonly id = `${PREFIX}-${process.pid}-${++made}`;
  private isRemoved = false;

  /** Makes them all; throws what `ip` says where that is not possible. */
  constructor(names: readonly string[]) {
    this.names = names;
    removeLeftOvers();
    try {
      this.make();
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  private make(): void {
    const hub = this.space("switch");
    ip("netns", "add", hub);
    ip("-n", hub, "link", "add", "bridge0", "type", "bridge");
    ip("-n", hub, "link", "set", "bridge0", "up");
    for (const name of this.names) {
      const space = this.space(name);
      const port = `port-${name}`.slice(0, 15);
      ip("netns", "add", space);
      ip("-n", space, "link", "set", "lo", "up");
      const peer = ["peer", "name", INTERFACE, "address", this.hardware(name), "netns", space];
      ip("-n", hub, "link", "add", port, "type", "veth", ...peer);
      ip("-n", hub, "link", "set", port, "master", "bridge0", "up");
      ip("-n", space, "address", "add", `${this.address(name)}/24`, "dev", INTERFACE);
      ip("-n", space, "link", "set", INTERFACE, "up");
    }
  }

  private space(name: string): string {
    return `${this.id}-${name}`;
  }

  private number(name: string): number {
    const at = this.names.indexOf(name);
    if (at < 0) throw new Error(`no host ${name}`);
    return at + 1;
  }

  private hardware(name: string): string {
    return `02:48:46:00:00:${this.number(name).toString(16).padStart(2, "0")}`;
  }

  address(name: string): string {
    return `${NETWORK}.${this.number(name)}`;
  }

  /** Before a command that is to run there. */
  on(name: string): string[] {
    return ["ip", "netns", "exec", this.space(name)];
  }

  /** What comes from `from` to `to` is treated so from now on. */
  private rule(from: string, to: string, ...treatment: string[]): void {
    const rule = ["iptables", "-w", "-A", "INPUT", "-s", this.address(from), ...treatment];
    ip("netns", "exec", this.space(to), ...rule);
  }

  /** What `from` sends to `to` is lost from now on; the other way stays. */
  cutOneWay(from: string, to: string): void {
    this.rule(from, to, "-j", "DROP");
  }

  cut(one: string, other: string): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** Every packet between them is answered by a reset: their connections break, and none comes about. */
  reset(one: string, other: string): void {
    const treatment = ["-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"];
    this.rule(one, other, ...treatment);
    this.rule(other, one, ...treatment);
  }

  /** So large a share of the packets between them is lost, each by chance. */
  lose(one: string, other: string, share: number): void {
    const chance = ["-m", "statistic", "--mode", "random", "--probability", share.toFixed(4)];
    this.rule(one, other, ...chance, "-j", "DROP");
    this.rule(other, one, ...chance, "-j", "DROP");
  }

  /** Throws what iptables says if it lacks a part that is needed here. */
  tryRules(): void {
    const [one = "", other = ""] = this.names;
    this.cut(one, other);
    this.reset(one, other);
    this.lose(one, other, 0.5);
    this.heal();
  }

  /** These reach each other, and nobody else reaches any of them, but for who is on both sides. */
  split(side: readonly string[], onBoth: readonly string[] = []): void {
    const rest = this.names.filter((name) => !side.includes(name) && !onBoth.includes(name));
    for (const one of side) for (const other of rest) this.cut(one, other);
  }

  heal(): void {
    for (const name of this.names) {
      ip("netns", "exec", this.space(name), "iptables", "-w", "-F", "INPUT");
    }
  }

  /** Kills what still runs there, too. */
  remove(): void {
    if (this.isRemoved) return;
    this.isRemoved = true;
    const there = new Set(
      ip("netns", "list")
        .split("\n")
        .map((line) => line.split(" ")[0]),
    );
    for (const name of [...this.names, "switch"]) {
      if (there.has(this.space(name))) removeNamespace(this.space(name));
    }
  }
}
