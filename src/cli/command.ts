/**
 * What all one-shot commands share: options, the way to a server, output, the end.
 *
 * A handler gets a context and throws; here every end becomes an exit code and one line on standard error.
 */
import type { Command } from "commander";
import { type Account, type Client, HoldfastError, type Receipt } from "../client/index.ts";
import { RECEIPT_DEADLINE_MS } from "../core/limits.ts";
import { accountRef, channelRef, conversationRef } from "./chat-input.ts";
import { EXIT, EXIT_HELP, endOf, errorLine, Unreachable, UsageError } from "./exit.ts";
import {
  ask,
  env,
  err,
  out,
  outputWidth,
  readStdin,
  stdinIsTerminal,
  stdoutIsTerminal,
} from "./io.ts";
import { coloursOf, paint, type Span } from "./paint.ts";
import { printable, safeJson } from "./printable.ts";
import { Reach, type ReachOptions, reachOptions } from "./reach.ts";

export type Context<O extends object> = {
  readonly reach: Reach;
  readonly options: O & ReachOptions;
  readonly args: readonly string[];
};

const PASSWORD_BYTES_MAX = 4_096;

/** Gives a command the common options, its help and its handler. */
export function define<O extends object>(
  command: Command,
  handler: (context: Context<O>) => Promise<void>,
): void {
  reachOptions(command).addHelpText("after", EXIT_HELP);
  command.action(async (...given: unknown[]) => {
    const options = command.opts<O & ReachOptions>();
    const args = given
      .slice(0, -2)
      .flat()
      .filter((arg) => typeof arg === "string");
    try {
      await handler({ reach: new Reach(options), options, args });
    } catch (error) {
      const end = endOf(error);
      err(errorLine(end, options.json === true));
      process.exit(end.exit);
    }
    process.exit(EXIT.done);
  });
}

export type Session = {
  readonly client: Client;
  readonly account: Account;
  readonly callMs: number;
};

/** Runs it with a signed-in client, and remembers what was learned. */
export async function withSession<T>(
  reach: Reach,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const reached = await reach.signedIn();
  const { client } = reached;
  try {
    const callMs = reach.timeoutMs + RECEIPT_DEADLINE_MS;
    return await use({ client, account: client.account as Account, callMs });
  } catch (error) {
    throw truly(client, error);
  } finally {
    reach.keep(reached);
    await client.close();
  }
}

/** An `unavailable` without a connection is nobody's refusal. */
export function truly(client: Client, error: unknown): unknown {
  const isUnanswered = error instanceof HoldfastError && error.code === "unavailable";
  if (!isUnanswered || client.connection.state === "live") return error;
  const why = client.connection.error?.message;
  return new Unreachable(why === undefined ? error.message : `${error.message}: ${why}`);
}

export const outJson = (value: unknown): void => out(safeJson(value));

/** Prints lines of spans for the reader there is. */
export function outLines(lines: readonly (readonly Span[])[]): void {
  const colours = coloursOf(env, stdoutIsTerminal());
  for (const line of lines) out(paint(line, colours));
}

export const width = outputWidth;

export function receiptText({ held, of }: Receipt): string {
  return `held by ${printable(held.join(", "))} (${held.length} of ${of})`;
}

type PasswordOptions = { readonly passwordStdin?: boolean };

export function passwordOptions(command: Command): Command {
  return command.option(
    "--password-stdin",
    "read the password from standard input (or HOLDFAST_PASSWORD; asked for on a terminal)",
  );
}

/**
 * As many passwords as there are questions: lines of standard input, or HOLDFAST_PASSWORD and
 * HOLDFAST_NEW_PASSWORD, or asked for. `confirm`: the last one is new and asked for twice.
 */
export async function passwords(
  options: PasswordOptions,
  questions: readonly string[],
  confirm: boolean,
): Promise<string[]> {
  if (options.passwordStdin) {
    const lines = (await readStdin(PASSWORD_BYTES_MAX)).split(/\r?\n/);
    const found = lines.slice(0, questions.length);
    if (found.length < questions.length || found.includes("")) {
      throw new UsageError(`standard input: ${questions.length} line(s) with a password expected`);
    }
    return found;
  }
  const variables = ["HOLDFAST_PASSWORD", "HOLDFAST_NEW_PASSWORD"].slice(0, questions.length);
  const given = variables.map((name) => env[name]).filter((value) => value !== undefined);
  if (given.length === questions.length) return given;
  if (!stdinIsTerminal()) {
    const names = variables.join(" and ");
    throw new UsageError(`no password: use a terminal, --password-stdin or ${names}`);
  }
  const answers: string[] = [];
  for (const question of questions) answers.push(await ask(`${question}: `, true));
  if (confirm && (await ask("Once more: ", true)) !== answers.at(-1)) {
    throw new UsageError("these two passwords are not the same");
  }
  return answers;
}

function need(found: string | null, text: string, what: string): string {
  if (found !== null) return found;
  throw new UsageError(`${printable(text)} is no ${what}`);
}

/** References of the command line in the protocol's form; throw UsageError. */
export const accountArg = (text: string): string =>
  need(accountRef(text), text, "account: a name such as bob, or an id");
export const channelArg = (text: string): string =>
  need(channelRef(text), text, "channel: a name such as ops, or an id");
export const conversationArg = (text: string): string =>
  need(
    /^[@#]|^[acd]_/.test(text) ? conversationRef(text) : null,
    text,
    "conversation: '@bob', '#ops' (in quotes: # begins a comment), or an id",
  );

export function numberArg(
  text: string | undefined,
  option: string,
  max: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new UsageError(`${option} is a number from 1 to ${max}`);
  }
  return value;
}
