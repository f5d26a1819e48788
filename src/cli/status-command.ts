/** `holdfast status`: the cluster as the server on this machine sees it, once or until Ctrl+C. */
import type { Command } from "commander";
import { findServer } from "../server/operator.ts";
import { errorLine } from "./exit.ts";
import { err, out, outputWidth, stdoutIsTerminal } from "./io.ts";
import { caller, ended, type Given, operate, operatorOptions } from "./operate.ts";
import { safeJson } from "./printable.ts";
import { statusText } from "./status-text.ts";

const WATCH_INTERVAL_MS = 1_000;
const CLEAR = "\u001b[H\u001b[2J";

export function registerStatusCommand(program: Command): void {
  operatorOptions(
    program
      .command("status")
      .description("the cluster as the server on this machine sees it: who is there, links, lag")
      .option("--watch", "again every second, until Ctrl+C"),
  ).action(async (options: Given & { readonly watch?: boolean }, command: Command) => {
    if (options.watch === true) await watch(options);
    await operate(command, async (call) => {
      const json = await call("server.status", {});
      return { json, text: statusText(json, outputWidth()) };
    });
  });
}

/** A server that goes away is waited for: that is what one watches. */
async function watch(given: Given): Promise<never> {
  const json = given.json === true;
  for (;;) {
    try {
      const status = await caller(findServer(given))("server.status", {});
      const clear = !json && stdoutIsTerminal() ? CLEAR : "";
      out(json ? safeJson(status) : `${clear}${statusText(status, outputWidth())}\n`);
    } catch (error) {
      err(errorLine(ended(error), json));
    }
    await Bun.sleep(WATCH_INTERVAL_MS);
  }
}
