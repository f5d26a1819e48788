/** Commands of the operator: how they reach the server on this machine, and what they print. */
import { type Command, Option } from "commander";
import { errorOf } from "../client/error.ts";
import { HoldfastError } from "../client/index.ts";
import type { MethodName, Params, Result } from "../protocol/methods.ts";
import { StartError } from "../server/exit-codes.ts";
import { callServer, findServer, type OperatedServer } from "../server/operator.ts";
import { type Ended, EXIT, EXIT_HELP, endOf, errorLine, Unreachable } from "./exit.ts";
import { err, out } from "./io.ts";
import { safeJson } from "./printable.ts";

const TRIES = 4;

export type Given = { readonly data?: string; readonly name?: string; readonly json?: boolean };
export type Call = <M extends MethodName>(method: M, params: Params<M>) => Promise<Result<M>>;
/** What a command prints: for machines, and for people. */
export type Report = { readonly json: unknown; readonly text: string };
export type Work = (call: Call) => Promise<Report>;

/** A write is repeated under its id until its outcome is known, as often as makes sense. */
export function caller(server: OperatedServer): Call {
  return async (method, params) => {
    for (let tries = 1; ; tries++) {
      const error = await callServer(server, method, params).then(
        (answer) => ("result" in answer ? { result: answer.result } : errorOf(answer.error)),
        (cause: unknown) => {
          throw new Unreachable(
            `server ${server.name} does not answer: ${(cause as Error).message}`,
          );
        },
      );
      if (!(error instanceof HoldfastError)) return error.result as Result<typeof method>;
      if (!error.retry || tries === TRIES) throw error;
      await Bun.sleep(error.retryAfterMs ?? 500);
    }
  };
}

export function ended(error: unknown): Ended {
  if (!(error instanceof StartError)) return endOf(error);
  const exit = error.reason === "not_running" ? EXIT.unreachable : EXIT.usage;
  return { exit, code: error.reason, message: `${error.message}; ${error.remedy}` };
}

/** Does it with the running server that the options name; prints what came of it. */
export async function operate(command: Command, work: Work): Promise<void> {
  const given = command.optsWithGlobals<Given>();
  const json = given.json === true;
  try {
    const report = await work(caller(findServer(given)));
    out(json ? safeJson(report.json) : report.text);
  } catch (error) {
    const end = ended(error);
    err(errorLine(end, json));
    process.exitCode = end.exit;
  }
}

/** Gives a command the options by which it finds the server. */
export function operatorOptions(command: Command, exitHelp = EXIT_HELP): Command {
  return command
    .addOption(new Option("--data <DIR>", "the server's data directory").env("HOLDFAST_DATA"))
    .addOption(new Option("--name <NAME>", "the server's name, for ./NAME").env("HOLDFAST_NAME"))
    .option("--json", "print JSON")
    .addHelpText("after", exitHelp);
}
