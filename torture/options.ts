/** What `npm run torture` can be told. */
import { FAULTS, USUAL_FAULTS } from "./faults/all.ts";

const HELP = `npm run torture -- [options]

Three servers, each a process of the built executable on a host of its own (a network namespace), with clients
that talk through all of it, round after round: faults, their end, and the judgment of what everybody saw.
Needs Linux and root.

  --rounds N          so many rounds (10, or no end with --for)
  --for TIME          until it is over: 60s, 30m, 2h
  --seed S            repeats the choices of a run; a new one unless given
  --from N            the number of the first round (0): a round's choices depend on the seed and its number
  --faults a,b        only these kinds; all unless given:
                      ${USUAL_FAULTS.join(" ")}
                      and, only where asked for:
                      ${Object.keys(FAULTS)
                        .filter((kind) => !USUAL_FAULTS.includes(kind))
                        .join(" ")}
  --program FILE      an executable of holdfast; one is built unless given
  --older FILE        an executable of an older release: servers begin with it, kill-upgrading leads to the other
  --soak TIME         no faults for so long: memory, open files, disk and latency are to stay as they are
  --keep-going        goes on after a round with findings, with new servers
  --ledger            enters the run into torture/ledger.jsonl
`;

export type Options = {
  readonly rounds: number;
  /** A moment of `performance.now`. */
  readonly untilMs: number;
  readonly seed: number;
  readonly from: number;
  readonly faults: string[];
  readonly program: string | null;
  readonly older: string | null;
  readonly isSoak: boolean;
  readonly keepGoing: boolean;
  readonly ledger: boolean;
};

const SECONDS = { s: 1, m: 60, h: 3_600 } as const;
const USUAL_ROUNDS = 10;

function refuse(problem: string): never {
  console.error(`torture: ${problem}; --help says what there is`);
  process.exit(2);
}

function whole(name: string, text: string): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= 0 && value < 2 ** 32
    ? value
    : refuse(`--${name}: expected a number, not ${text}`);
}

function milliseconds(name: string, text: string): number {
  const [, value, unit] = /^(\d+)([smh])$/.exec(text) ?? refuse(`--${name}: expected 60s, 30m, 2h`);
  return Number(value) * SECONDS[unit as keyof typeof SECONDS] * 1_000;
}

function kinds(text: string): string[] {
  const wanted = text.split(",");
  const unknown = wanted.find((kind) => FAULTS[kind] === undefined);
  return unknown === undefined ? wanted : refuse(`--faults: there is no ${unknown}`);
}

/** Ends the process for `--help` and for what can't be understood. */
export function readOptions(args: readonly string[]): Options {
  const values = new Map<string, string>();
  const flags = new Set<string>();
  for (let i = 0; i < args.length; i++) {
    const [, name = ""] = /^--([a-z-]+)$/.exec(args[i] ?? "") ?? refuse(`what is ${args[i]}?`);
    if (["help", "keep-going", "ledger"].includes(name)) flags.add(name);
    else if (
      ["rounds", "for", "seed", "from", "faults", "program", "older", "soak"].includes(name)
    ) {
      values.set(name, args[++i] ?? refuse(`--${name} needs a value`));
    } else refuse(`there is no --${name}`);
  }
  if (flags.has("help")) {
    console.log(HELP);
    process.exit(0);
  }
  const soak = values.get("soak");
  const time = soak ?? values.get("for");
  const rounds = values.get("rounds");
  const endless = time === undefined ? USUAL_ROUNDS : Number.POSITIVE_INFINITY;
  const seed = values.get("seed");
  return {
    rounds: rounds === undefined ? endless : whole("rounds", rounds),
    untilMs:
      time === undefined ? Number.POSITIVE_INFINITY : performance.now() + milliseconds("for", time),
    seed: seed === undefined ? Date.now() % 2 ** 32 : whole("seed", seed),
    from: whole("from", values.get("from") ?? "0"),
    faults: soak === undefined ? kinds(values.get("faults") ?? USUAL_FAULTS.join(",")) : [],
    program: values.get("program") ?? null,
    isSoak: soak !== undefined,
    older: values.get("older") ?? null,
    keepGoing: flags.has("keep-going"),
    ledger: flags.has("ledger"),
  };
}
