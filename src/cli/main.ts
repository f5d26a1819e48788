/** The `holdfast` command. Each family of subcommands registers itself. */
import { Command } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { registerAdminCommands } from "./admin.ts";
import { registerBackupCommands } from "./backup-command.ts";
import { registerClientCommands } from "./client-commands.ts";
import { registerClusterCommands } from "./cluster-commands.ts";
import { registerDemoCommand } from "./demo/demo-command.ts";
import { EXIT } from "./exit.ts";
import { registerExportCommand } from "./export-command.ts";
import { registerServeCommand } from "./serve.ts";
import { registerStatusCommand } from "./status-command.ts";
import { registerVerifyCommand } from "./verify-command.ts";

const program = new Command("holdfast")
  .description("A self-hosted team chat that goes on as long as one of its servers does.")
  .version(manifest.version)
  .showSuggestionAfterError()
  .exitOverride((error) => {
    // Help and version are no errors; whatever commander refuses is wrong usage.
    process.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage);
  });

registerDemoCommand(program);
registerServeCommand(program);
registerStatusCommand(program);
registerVerifyCommand(program);
registerBackupCommands(program);
registerClusterCommands(program);
registerExportCommand(program);
registerClientCommands(program);
registerAdminCommands(program);
await program.parseAsync();
