/**
 * Figures for Prometheus. Counters are counted where things happen; everything else is read when somebody
 * asks, so that a server nobody watches does no work for it. A registry of our own: the library's global
 * one would join two servers of one process.
 */
import { readdirSync, statfsSync } from "node:fs";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Gateway } from "../gateway/gateway.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { KINDS } from "../ops/kinds.ts";
import type { Clock, Folded, View } from "../replica/ports.ts";
import type { Replica } from "../replica/replica.ts";
import type { Listener } from "./listener.ts";
import type { ViewCheck } from "./view-check.ts";

const FAST_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LOOP_PROBE_MS = 500;

/** What is looked at when figures are asked for; null as long as it does not exist. */
export type Sources = {
  listener: Listener | null;
  replica: Replica | null;
  gateway: Gateway | null;
  view: View | null;
  mesh: Mesh | null;
  viewCheck: ViewCheck | null;
  /** A path on the file system of the data. */
  data: string | null;
};

export class Metrics {
  readonly sources: Sources = {
    listener: null,
    replica: null,
    gateway: null,
    view: null,
    mesh: null,
    viewCheck: null,
    data: null,
  };
  private readonly registry = new Registry();
  private readonly requests: Counter<"method" | "code">;
  private readonly seconds: Histogram<"method">;
  private readonly refusals: Counter<"reason">;
  private readonly ops: Counter<"kind">;
  private readonly commits: Histogram;
  private readonly clock: Clock;
  private loopLagMs = 0;
  private readonly loopTimer: NodeJS.Timeout;

  constructor(clock: Clock, server: string, version: string) {
    this.clock = clock;
    const registers = [this.registry];
    this.requests = new Counter({
      name: "holdfast_requests_total",
      help: "Requests answered, by method and code (ok or the code of the refusal).",
      labelNames: ["method", "code"],
      registers,
    });
    this.seconds = new Histogram({
      name: "holdfast_request_seconds",
      help: "Time from a request to its answer.",
      labelNames: ["method"],
      buckets: FAST_S,
      registers,
    });
    this.refusals = new Counter({
      name: "holdfast_refusals_total",
      help: "Requests refused, by reason.",
      labelNames: ["reason"],
      registers,
    });
    this.ops = new Counter({
      name: "holdfast_ops_total",
      help: "Ops committed and folded since the start, by kind.",
      labelNames: ["kind"],
      registers,
    });
    this.commits = new Histogram({
      name: "holdfast_commit_seconds",
      help: "Transaction and fsync of a batch of ops.",
      buckets: FAST_S,
      registers,
    });
    this.gauges(server, version);
    this.loopTimer = this.watchLoop();
  }

  /** How late a timer fires: what everybody waits for when something takes too long. */
  private watchLoop(): NodeJS.Timeout {
    let last = this.clock.monotonicMs();
    return setInterval(() => {
      const now = this.clock.monotonicMs();
      this.loopLagMs = Math.max(this.loopLagMs, now - last - LOOP_PROBE_MS);
      last = now;
    }, LOOP_PROBE_MS).unref();
  }

  private gauge(name: string, help: string, read: () => number | undefined): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        const value = read();
        if (value !== undefined) this.set(value);
      },
    });
  }

  /** One that counts up and is counted elsewhere, by label. */
  private tally<L extends string>(
    name: string,
    help: string,
    label: L,
    read: () => Readonly<Record<string, number>> | undefined,
  ): void {
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [key, count] of Object.entries(read() ?? {})) {
          this.inc({ [label]: key } as Record<L, string>, count);
        }
      },
    });
  }

  private gauges(server: string, version: string): void {
    const { sources } = this;
    const info = new Gauge({
      name: "holdfast_info",
      help: "Always 1; says which server and release this is.",
      labelNames: ["server", "version"],
      registers: [this.registry],
    });
    info.set({ server, version }, 1);
    const replica = () => sources.replica?.figures();
    const gateway = () => sources.gateway?.figures();
    this.gauge("holdfast_ready", "1 once requests are served.", () => (sources.gateway ? 1 : 0));
    this.gauge("holdfast_log_ops", "Ops in the log.", () => replica()?.lastN);
    this.gauge("holdfast_fold_lag_ops", "Ops stored and not folded.", () => replica()?.foldLagOps);
    this.gauge("holdfast_pending_ops", "Ops minted and not folded.", () => replica()?.pendingOps);
    this.gauge("holdfast_pending_bytes", "Their bytes.", () => replica()?.pendingBytes);
    this.gauge(
      "holdfast_clock_leap_seconds",
      "How far the wall clock lies from where it should.",
      () => seconds(replica()?.clockLeapMs),
    );
    this.gauge("holdfast_storage_full", "1 while writes are refused for lack of space.", () =>
      sources.replica === null ? undefined : Number(sources.replica.isStorageFull),
    );
    this.gauge("holdfast_storage_free_bytes", "Free space where the data is.", () =>
      freeBytes(sources.data),
    );
    this.gauge(
      "holdfast_connections",
      "WebSocket connections.",
      () => sources.listener?.sockets.count,
    );
    this.gauge("holdfast_signed_in", "Connections with a session.", () => gateway()?.signedIn);
    this.gauge(
      "holdfast_requests_in_flight",
      "Requests not yet answered.",
      () => gateway()?.requestsInFlight,
    );
    this.gauge(
      "holdfast_password_queue",
      "Password checks that wait.",
      () => gateway()?.passwordQueue,
    );
    this.gauge(
      "holdfast_backlog_bytes",
      "Sent to clients and not yet taken by them.",
      () => sources.listener?.sockets.backlogBytes,
    );
    this.tally(
      "holdfast_closes_total",
      "Connections ended, by reason.",
      "reason",
      () => sources.listener?.sockets.closes,
    );
    this.tally(
      "holdfast_turned_away_total",
      "Refused before they were requests, by reason.",
      "reason",
      () => sources.listener?.refused,
    );
    this.tally("holdfast_events_total", "Events sent, by name.", "event", () => gateway()?.events);
    this.tally("holdfast_odd_ops_total", "Ops without effect, by reason.", "what", () =>
      sources.view?.oddOps(),
    );
    this.clusterGauges();
    this.processGauges();
  }

  private clusterGauges(): void {
    const { sources } = this;
    const status = () => sources.replica?.status();
    this.gauge("holdfast_members", "Servers of the cluster.", () => status()?.members.length);
    this.gauge("holdfast_fault_budget", "Servers that may fail without loss.", () => {
      return status()?.faultBudget;
    });
    this.gauge("holdfast_behind", "1 while another server holds what this one lacks.", () =>
      sources.replica === null ? undefined : Number(sources.replica.isBehind),
    );
    this.gauge(
      "holdfast_branches",
      "Incarnations that two processes minted under: copies that were started.",
      () => sources.replica?.figures().branches,
    );
    this.gauge(
      "holdfast_views_differ",
      "1 since the leader's hourly comparison found that servers with equal logs show something else.",
      () => (sources.viewCheck === null ? undefined : Number(sources.viewCheck.differs)),
    );
    this.tally(
      "holdfast_view_checks_total",
      "Hourly comparisons of all views, on the leader, by what they found.",
      "found",
      () => sources.viewCheck?.found,
    );
    this.gauge("holdfast_links", "Links to other servers.", () => sources.mesh?.linkCount);
    this.tally(
      "holdfast_link_endings_total",
      "Connections between servers that were refused or ended, by reason.",
      "reason",
      () => (sources.mesh === null ? undefined : Object.fromEntries(sources.mesh.endings)),
    );
    this.tally(
      "holdfast_peer_changes_total",
      "Servers that came, went, fell silent, were in sync or no longer, by what it was.",
      "change",
      () => sources.replica?.figures() && Object.fromEntries(sources.replica.figures().peerChanges),
    );
    this.tally(
      "holdfast_peer_drops_total",
      "Links ended because of what the peer sent or did not send, by reason.",
      "reason",
      () => sources.replica?.figures() && Object.fromEntries(sources.replica.figures().drops),
    );
  }

  private processGauges(): void {
    const started = this.clock.wallMs() / 1000 - process.uptime();
    this.gauge("process_start_time_seconds", "When the process started.", () => started);
    this.gauge("process_resident_memory_bytes", "Resident memory.", () =>
      process.memoryUsage.rss(),
    );
    this.gauge("process_open_fds", "Open files and sockets.", openFiles);
    this.gauge(
      "holdfast_loop_lag_seconds",
      "Longest delay of the event loop since the last look.",
      () => {
        const lag = this.loopLagMs;
        this.loopLagMs = 0;
        return lag / 1000;
      },
    );
    new Counter({
      name: "process_cpu_seconds_total",
      help: "Processor time.",
      registers: [this.registry],
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
  }

  /** A request was answered. */
  readonly observe = (method: string, code: string, tookSeconds: number): void => {
    this.requests.inc({ method, code });
    this.seconds.observe({ method }, tookSeconds);
    if (code !== "ok") this.refusals.inc({ reason: code });
  };

  /** A batch was committed and folded. */
  folded(batch: readonly Folded[], commitMs: number): void {
    this.commits.observe(commitMs / 1000);
    for (const { op } of batch) this.ops.inc({ kind: KINDS.get(op.kind)?.name ?? "unknown" });
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  stop(): void {
    clearInterval(this.loopTimer);
  }
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}

function freeBytes(path: string | null): number | undefined {
  if (path === null) return undefined;
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return undefined; // not made yet
  }
}

/** Where the system tells. */
function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}
