/**
 * The questions of a start on a terminal: name, address, other servers, and who may make an account if
 * others can reach the address. Enter takes what stands in brackets. Asked only for what nobody said.
 *
 * Everything here works on a {@link Terminal}, so that tests can type; the real one is at the end.
 */
import { readdirSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { isServerName } from "../core/ids.ts";
import { formatHostPort, isLoopback } from "./address.ts";
import { listenOf, locate, type Settings, type Told, usage } from "./config.ts";
import { OPTIONS, type OptionName, type OptionValue } from "./options.ts";
import { REMEMBERED_FILE, readRemembered } from "./remembered.ts";

export interface Terminal {
  /** null: the person closed the input. */
  ask(question: string): Promise<string | null>;
  say(line: string): void;
}

type Answers = { -readonly [K in OptionName]?: Told<OptionValue<K>> };

/**
 * The settings with what was missing from them. `all`: everything that can be asked; otherwise only what
 * the server cannot start without.
 */
export async function askMissing(
  settings: Settings,
  terminal: Terminal,
  all: boolean,
): Promise<Settings> {
  const answers: Answers = { ...settings };
  if (locate(answers) === null || (answers.name === undefined && needsName(answers))) {
    answers.name = await askOne(terminal, "name", "Name of this server", offeredName());
  }
  const remembered = locate(answers)?.remembered ?? null;
  if (all && answers.listen === undefined) {
    const previous = formatHostPort(listenOf(answers, remembered));
    answers.listen = await askOne(terminal, "listen", "Address to listen on", previous);
  }
  if (all && answers.peer === undefined && answers.join === undefined) {
    answers.peer = await askPeers(terminal, remembered?.peers ?? []);
  }
  const listen = listenOf(answers, remembered);
  const known = answers["sign-up"]?.value ?? remembered?.signUp ?? null;
  if (known === null && !isLoopback(listen.host)) {
    terminal.say(`${formatHostPort(listen)} can be reached from other machines.`);
    terminal.say(
      "Who may make an account? open: everybody; invitation: who has a code; closed: nobody",
    );
    answers["sign-up"] = await askOne(terminal, "sign-up", "Sign-up", "invitation");
  }
  return answers;
}

function needsName(settings: Settings): boolean {
  return locate(settings)?.remembered === null;
}

async function askOne<K extends "name" | "listen" | "sign-up">(
  terminal: Terminal,
  option: K,
  question: string,
  offered: string,
): Promise<Told<OptionValue<K>>> {
  for (;;) {
    const text = await typed(terminal, `${question} [${offered}]: `);
    try {
      const value = OPTIONS[option].parse(text === "" ? offered : text) as OptionValue<K>;
      return { value, from: "your answer" };
    } catch (error) {
      terminal.say(`  ${(error as Error).message}`);
    }
  }
}

async function askPeers(
  terminal: Terminal,
  known: readonly string[],
): Promise<Told<readonly string[]>> {
  if (known.length > 0) terminal.say(`Other servers on record: ${known.join(", ")}`);
  const peers = [...known];
  for (;;) {
    const text = await typed(terminal, "Another server, HOST:PORT (Enter to stop): ");
    if (text === "") return { value: peers, from: "your answer" };
    try {
      const peer = OPTIONS.peer.parse(text);
      if (!peers.includes(peer)) peers.push(peer);
    } catch (error) {
      terminal.say(`  ${(error as Error).message}`);
    }
  }
}

async function typed(terminal: Terminal, question: string): Promise<string> {
  const text = await terminal.ask(question);
  if (text === null)
    throw usage("the input ended before the last question", "start again, or give flags");
  return text.trim();
}

/** The server whose folder here was used last, or what this machine is called. */
function offeredName(): string {
  const latest = readdirSync(".", { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => ({ folder: entry.name, at: changedAt(join(entry.name, REMEMBERED_FILE)) }))
    .sort((a, b) => b.at - a.at)[0];
  if (latest !== undefined && latest.at > 0) {
    const remembered = readRemembered(latest.folder);
    // Only a folder that is called like its server is found again by the name.
    if (remembered?.name === latest.folder) return remembered.name;
  }
  const name = (hostname().split(".")[0] ?? "").toLowerCase();
  return isServerName(name) ? name : "local";
}

function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Whether there is a person to ask. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/** Standard input and output; `close` gives them back. */
export function openTerminal(): Terminal & { close(): void } {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const ended = new Promise<null>((resolve) => lines.once("close", () => resolve(null)));
  lines.once("SIGINT", () => {
    process.stdout.write("\n");
    lines.close();
  });
  return {
    ask: (question) => Promise.race([lines.question(question), ended]),
    say: (line) => console.log(line),
    close: () => lines.close(),
  };
}
