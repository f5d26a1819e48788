/** `npm run torture`: see `--help`. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { whyNoHosts } from "../test/hosts/namespaces.ts";
import { whyNoPython } from "./clients.ts";
import { Erased } from "./erased.ts";
import { type Executables, executableOf } from "./executable.ts";
import { FAULTS, USUAL_FAULTS } from "./faults/all.ts";
import { enter, isCommitted, sums } from "./ledger.ts";
import { type Options, readOptions } from "./options.ts";
import { Tally } from "./report.ts";
import { Rig } from "./rig.ts";
import { Round, type RoundResult } from "./round.ts";
import { Soak } from "./soak.ts";

/** Then the servers begin anew: what is judged of them all at once stays small. */
const ROUNDS_PER_RIG = 25;
const SOAK_ROUND_MS = 45_000;
const FOLDER = "holdfast-torture-";
const REPORTS = join(import.meta.dir, "..", "reports", "torture");

/** The line that plays one round again, with the same choices; the system's scheduler makes others. */
function repeatLine({ seed, faults }: Options, n: number): string {
  const kinds = `${faults}` === `${USUAL_FAULTS}` ? "" : ` --faults ${faults.join(",")}`;
  return `npm run torture -- --seed ${seed} --from ${n} --rounds 1${kinds}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function roundLine({ n, strokes, counts, seconds, findings }: RoundResult): string {
  const { acknowledged, requests, held } = counts;
  const words = strokes.length === 0 ? "calm" : strokes.join("; ");
  const figures = `${acknowledged} of ${requests} acknowledged (on 1, 2, 3: ${held.join(", ")})`;
  const verdict = findings.length === 0 ? "good" : `${findings.length} FINDINGS`;
  return `round ${n}: ${words} - ${figures}, ${seconds.toFixed(1)} s, ${verdict}`;
}

/** What a failing round leaves: histories, logs, and how to play it again. */
function keep(rig: Rig, round: RoundResult, options: Options): string {
  const folder = join(REPORTS, `${options.seed}-${round.n}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(round.folder, folder, { recursive: true });
  for (const name of rig.cluster.names) {
    const { logFile } = rig.cluster.get(name).place;
    if (existsSync(logFile)) cpSync(logFile, join(folder, `${name}.log`));
  }
  return folder;
}

/** Disks and folders of runs that were killed. */
function removeLeftOvers(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = new RegExp(`^${FOLDER}(\\d+)-`).exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    const folder = join(tmpdir(), name);
    const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
    for (const at of mounts.map((line) => line.split(" ")[1] ?? "")) {
      if (at.startsWith(`${folder}/`)) Bun.spawnSync(["umount", "--lazy", at]);
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

let rigs = 0;

/** Plays rounds on one rig until it is to be renewed, or one fails. */
async function playRig(
  options: Options,
  tally: Tally,
  executables: Executables,
  soak: Soak | null,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), `${FOLDER}${process.pid}-`));
  const rig = new Rig(folder, executables, ++rigs);
  const end = () => rig.remove();
  process.once("exit", end);
  try {
    await rig.begin();
    const erased = new Erased();
    const most = soak === null ? ROUNDS_PER_RIG : Number.POSITIVE_INFINITY;
    for (let i = 0; i < most && tally.goesOn(options); i++) {
      const result = await playRound(rig, options, tally, folder);
      if (result.findings.length > 0) break;
      erased.add(result.erasedTexts, result.keptText);
      if (soak !== null) say(`  ${soak.look(rig, result.counts.acknowledged, result.latenciesMs)}`);
    }
    tally.erased(erased.due.length, erased.findings(rig));
    await rig.end();
  } finally {
    rig.remove();
    process.off("exit", end);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function playRound(
  rig: Rig,
  options: Options,
  tally: Tally,
  folder: string,
): Promise<RoundResult> {
  const { seed, faults, isSoak } = options;
  const n = options.from + tally.rounds;
  const own = join(folder, `round-${n}`);
  const calmMs = isSoak ? SOAK_ROUND_MS : 0;
  const result = await new Round(rig, { n, seed, faults, folder: own, calmMs }).play();
  tally.add(result);
  say(roundLine(result));
  if (result.findings.length > 0) {
    for (const finding of result.findings) say(`  WRONG: ${finding}`);
    say(`  histories and logs are kept in ${keep(rig, result, options)}`);
    say(`  to repeat its choices: ${repeatLine(options, n)}`);
  }
  rmSync(own, { recursive: true, force: true });
  return result;
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const why = whyNoHosts();
  if (why !== null) {
    say(`torture: not possible here: ${why}`);
    return 3;
  }
  if (options.ledger && !isCommitted()) {
    say("torture: --ledger: there are changes that are not committed; nobody could repeat this");
    return 2;
  }
  for (const [name, fault] of Object.entries(FAULTS)) {
    const whyNot = fault.whyNot?.() ?? null;
    if (whyNot === null || !options.faults.includes(name)) continue;
    say(`skipped: ${name}: ${whyNot}`);
    options.faults.splice(options.faults.indexOf(name), 1);
  }
  removeLeftOvers();
  const tally = new Tally();
  const newer = executableOf(options.program);
  const older = options.older === null ? null : resolve(options.older);
  const python = whyNoPython();
  if (python !== null) say(`skipped: the client in another language: ${python}`);
  say(`seed ${options.seed}, faults ${options.faults.join(" ")}`);
  const soak = options.isSoak ? new Soak(join(REPORTS, `soak-${options.seed}.jsonl`)) : null;
  while (tally.goesOn(options)) await playRig(options, tally, { older, newer }, soak);
  for (const line of tally.lines()) say(line);
  for (const finding of soak?.findings() ?? []) {
    say(`NOT FLAT: ${finding}`);
    tally.failed++;
  }
  if (options.ledger) {
    enter(options, tally);
    for (const line of sums()) say(line);
  }
  return tally.failed === 0 ? 0 : 1;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
process.exit(await main());
