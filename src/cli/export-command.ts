/** `holdfast export`: accounts, channels and messages for other programs, by whoever can read the data. */
import type { Command } from "commander";
import { dataDirectory } from "../server/operator.ts";
import { errorLine } from "./exit.ts";
import { err, writeAll } from "./io.ts";
import { ended, type Given, operatorOptions } from "./operate.ts";
import { printable } from "./printable.ts";
import { progressLine } from "./progress.ts";

const EXPORT_HELP = `
One JSON value a line: export, account, channel, member, direct, message, end (docs/OPERATING.md). The server may run.
It holds private messages; no passwords, no tokens. A last line of type "end" says that it is complete.

Exit codes: 0 done; 2 not done.`;

type Options = Given & { readonly to?: string; readonly force?: boolean };

export function registerExportCommand(program: Command): void {
  operatorOptions(
    program
      .command("export")
      .description("accounts, channels, members and messages as JSON lines")
      .option(
        "--to <FILE>",
        "to a file, which appears when it is complete, instead of to standard output",
      )
      .option("--force", "replace the file if there is one"),
    EXPORT_HELP,
  ).action(async (options: Options) => {
    process.umask(0o077);
    const progress = progressLine();
    try {
      const { exportFrom } = await import("../server/export.ts");
      const lines = await exportFrom({
        data: dataDirectory(options),
        file: options.to ?? null,
        force: options.force === true,
        made: new Date().toISOString(),
        write: (text) => writeAll(1, text),
        onProgress: (doing, done) => progress.say(`${doing} ${done}`),
      });
      progress.end();
      if (options.to !== undefined) err(printable(`${options.to}: ${lines} lines`));
    } catch (error) {
      progress.end();
      const end = ended(error);
      err(errorLine(end, false));
      process.exitCode = end.exit;
    }
  });
}
