/**
 * One round: a channel of its own, people who talk in it, one or two faults, their end, and the judgment.
 *
 * The servers live on from round to round, so each round begins on what the last one left. A channel for each
 * round keeps what has to be read and judged small; that everything older is still there is what the comparison
 * of the servers' digests says, and a look at an older round's channel.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Chance } from "../sim/chance.ts";
import { judge } from "./checks.ts";
import { Evidence, isAcknowledged, messageOf } from "./evidence.ts";
import { FAULTS } from "./faults/all.ts";
import { type Stroke, whole } from "./faults/fault.ts";
import { type ClientLine, nowMs, type RigLine, type RoundHistory, readLines } from "./history.ts";
import { inTime, LIVENESS_MS, NotInTime, type Rig, SERVERS } from "./rig.ts";

const EVERY_MS = 80;
/** Answers that each client must have before and after the faults. */
const ANSWERS = 4;
/** How long faults last; some last as long as they themselves say. */
const STRUCK_MS = { min: 700, max: 2_500 };
const LOOK_MS = 50;
const SECOND_FAULT_SHARE = 0.5;
const RACE_SHARE = 0.5;
const ALONE_SHARE = 0.5;

export type RoundResult = {
  readonly n: number;
  readonly kinds: readonly string[];
  readonly strokes: readonly string[];
  readonly findings: readonly string[];
  readonly counts: Counts;
  readonly seconds: number;
  /** How long it took until writes completed and all had everything after the faults' end. */
  readonly mendedSeconds: number;
  /** How long acknowledged requests took. */
  readonly latenciesMs: readonly number[];
  readonly erasedTexts: readonly string[];
  /** One that is there in the end. */
  readonly keptText: string | null;
  /** Where its histories are. */
  readonly folder: string;
};

export type Counts = {
  requests: number;
  acknowledged: number;
  refused: number;
  uncertain: number;
  /** Messages whose last receipt names one server, two, three. */
  held: [number, number, number];
  readings: number;
};

/** A round's chance: the same for a seed and a number, whatever was before. */
export function chanceOf(seed: number, n: number): Chance {
  return new Chance(seed * 2 ** 20 + n);
}

/** The first fault comes by turns, so that each kind is as frequent; a second one by chance, if it has room. */
export function kindsOf(faults: readonly string[], n: number, chance: Chance): string[] {
  const first = faults[n % faults.length];
  if (first === undefined) return [];
  const room = SERVERS.length - (FAULTS[first]?.victims ?? 0);
  if (chance.next() > SECOND_FAULT_SHARE) return [first];
  const second = faults.filter((kind) => kind !== first && (FAULTS[kind]?.victims ?? 9) <= room);
  return second.length === 0 ? [first] : [first, chance.pick(second)];
}

export type RoundPlan = {
  readonly n: number;
  readonly seed: number;
  /** None: a calm round. */
  readonly faults: readonly string[];
  readonly folder: string;
  /** So much longer people talk before anything happens. */
  readonly calmMs?: number;
};

export class Round {
  private readonly rig: Rig;
  private readonly n: number;
  private readonly chance: Chance;
  private readonly kinds: readonly string[];
  private readonly folder: string;
  private readonly strokes: Stroke[] = [];
  private readonly findings: string[] = [];
  private readonly calmMs: number;
  private channel = "";
  private raced: string | null = null;
  private mendedSeconds = 0;

  constructor(rig: Rig, { n, seed, faults, folder, calmMs = 0 }: RoundPlan) {
    this.rig = rig;
    this.n = n;
    this.calmMs = calmMs;
    this.chance = chanceOf(seed, n);
    this.kinds = kindsOf(faults, n, this.chance);
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    rig.writesTo(folder);
  }

  async play(): Promise<RoundResult> {
    const begunMs = performance.now();
    try {
      await this.run();
    } catch (error) {
      const { message } = error as Error;
      this.findings.push(error instanceof NotInTime ? `alive: ${message}` : `rig: ${message}`);
    }
    const history = await this.histories();
    const evidence = this.channel === "" ? null : new Evidence(history);
    if (evidence !== null && this.findings.length === 0) this.findings.push(...judge(evidence));
    for (const death of this.rig.cluster.deaths.splice(0)) this.findings.push(`death: ${death}`);
    return {
      n: this.n,
      kinds: this.kinds,
      strokes: this.strokes.map(({ words }) => words),
      findings: this.findings,
      counts: evidence === null ? noCounts() : countsOf(evidence),
      latenciesMs: (evidence?.requests ?? []).flatMap(({ acknowledgedAt, begun }) =>
        acknowledgedAt === null ? [] : [acknowledgedAt - begun],
      ),
      seconds: (performance.now() - begunMs) / 1_000,
      mendedSeconds: this.mendedSeconds,
      erasedTexts: evidence?.erasedTexts ?? [],
      keptText: evidence?.final[0]?.messages.find(({ text }) => text !== "")?.text ?? null,
      folder: this.folder,
    };
  }

  private async run(): Promise<void> {
    await this.beginTalk();
    await Bun.sleep(this.calmMs);
    await this.strike();
    await this.mend();
    await this.endTalk();
    const difference = await inTime("holdfast verify", this.rig.verify());
    if (difference !== null) this.findings.push(`digests: ${difference}`);
  }

  private historyOf(client: string): string {
    return join(this.folder, `${client}.jsonl`);
  }

  private async histories(): Promise<RoundHistory> {
    const clients = [];
    for (const { name } of this.rig.clients) {
      const path = this.historyOf(name);
      if (!(await Bun.file(path).exists())) continue;
      clients.push({ client: name, lines: await readLines<ClientLine>(path) });
    }
    return { clients, rig: await readLines<RigLine>(join(this.folder, "rig.jsonl")) };
  }

  private async beginTalk(): Promise<void> {
    const { rig, chance } = this;
    const maker = chance.pick(rig.clients.slice(0, SERVERS.length));
    this.channel = await inTime(
      "making the round's channel",
      maker.does({ do: "create", name: `round-${this.n}` }),
    );
    this.raced = chance.next() < RACE_SHARE ? `race-${this.n}` : null;
    rig.write({ is: "round", conversation: this.channel, raced: this.raced });
    const joined = rig.clients.map((client) =>
      client.does({ do: "join", channel: this.channel, history: this.historyOf(client.name) }),
    );
    // Who joins later is not told of what was said before.
    await inTime("joining the round's channel", Promise.all(joined));
    for (const client of rig.clients) await client.does({ do: "begin", everyMs: EVERY_MS });
    const wasInSync = await rig.isAllInSync();
    const from = nowMs();
    await this.answered("the first answers");
    const to = nowMs();
    if (wasInSync && (await rig.isAllInSync())) rig.write({ is: "calm", from, to });
  }

  /** Until each client had some more answers than now. */
  private async answered(what: string): Promise<void> {
    const all = this.rig.clients.map(async (client) => {
      const { stored } = await client.does({ do: "progress" });
      while ((await client.does({ do: "progress" })).stored < stored + ANSWERS) {
        await Bun.sleep(LOOK_MS);
      }
    });
    await inTime(what, Promise.all(all));
  }

  private async strike(): Promise<void> {
    const { rig, chance, raced } = this;
    let free: string[] = chance.shuffle(SERVERS);
    for (const kind of this.kinds) {
      const fault = FAULTS[kind];
      if (fault === undefined) throw new Error(`no fault ${kind}`);
      free = (await fault.choose?.(rig, free)) ?? free;
      const stroke = await fault.strike(rig, free.splice(0, fault.victims), chance);
      this.strokes.push(stroke);
      rig.write({ is: "struck", at: nowMs(), what: `${kind}: ${stroke.words}` });
    }
    if (raced !== null) {
      for (const client of chance.shuffle(rig.clients).slice(0, 2)) {
        await client.does({ do: "race", name: raced });
      }
    }
    await Bun.sleep(whole(chance, STRUCK_MS.min, STRUCK_MS.max));
    for (const server of SERVERS) await rig.look(server, this.channel, false);
  }

  private async mend(): Promise<void> {
    const { rig, chance } = this;
    for (const stroke of this.strokes) await stroke.mend();
    rig.hosts.heal();
    const off = () => SERVERS.filter((name) => rig.cluster.get(name).state === "off");
    const alone = chance.pick(off());
    if (alone !== undefined && chance.next() < ALONE_SHARE) await this.startAlone(alone);
    await rig.start(chance.shuffle(off()));
    for (const server of SERVERS) rig.write({ is: "returned", at: nowMs(), server });
    rig.write({ is: "mended", at: nowMs(), what: "everything" });
    const begunMs = performance.now();
    await this.answered("answers after everything was mended");
    await inTime("catching up", rig.cluster.caughtUp());
    this.mendedSeconds = (performance.now() - begunMs) / 1_000;
  }

  /** What it has on its own disk, before anybody can give it what it lost. */
  private async startAlone(server: string): Promise<void> {
    const { rig } = this;
    rig.isolate(server);
    await rig.start([server]);
    await rig.look(server, this.channel, false);
    rig.hosts.heal();
  }

  private async endTalk(): Promise<void> {
    const { rig } = this;
    const ends = rig.clients.map((client) => client.does({ do: "end" }));
    await inTime("the last answers", Promise.all(ends));
    await inTime("the servers' last exchange", rig.cluster.settled());
    for (const server of SERVERS) {
      if (!(await rig.look(server, this.channel, true))) {
        throw new NotInTime(`${server} does not show the channel`);
      }
    }
    if (this.raced !== null) await this.listRaced(this.raced);
    const { final } = new Evidence(await this.histories());
    const messages = final[0]?.messages ?? [];
    const order = { do: "hear", messages, patienceMs: LIVENESS_MS / 3 } as const;
    await inTime("hearing of everything", Promise.all(rig.clients.map((one) => one.does(order))));
  }

  private async listRaced(raced: string): Promise<void> {
    for (const server of SERVERS) {
      const url = this.rig.cluster.url(server);
      const match = `${raced}*`;
      const channels = await this.rig.eye.does({ do: "channels", url, match });
      if (channels === null) throw new NotInTime(`${server} does not list its channels`);
      this.rig.write({ is: "channels", server, channels });
    }
  }
}

function noCounts(): Counts {
  return { requests: 0, acknowledged: 0, refused: 0, uncertain: 0, held: [0, 0, 0], readings: 0 };
}

function countsOf(evidence: Evidence): Counts {
  const counts = noCounts();
  counts.readings = evidence.readings.length;
  for (const request of evidence.requests) {
    counts.requests++;
    if (isAcknowledged(request)) counts.acknowledged++;
    else if (request.isUnknown || request.open > 0) counts.uncertain++;
    else counts.refused++;
    const held = request.receipts.at(-1)?.held.length ?? 0;
    if (messageOf(request) !== undefined && held > 0) counts.held[Math.min(held, 3) - 1]! += 1;
  }
  return counts;
}
