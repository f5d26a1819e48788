/** `holdfast serve`: flags from the table of options, everything else in src/server. */
import { type Command, Option } from "commander";
import { environmentName, OPTION_NAMES, OPTIONS, type OptionName } from "../server/options.ts";

const collect = (text: string, before: readonly string[] | undefined) => [...(before ?? []), text];

function flagOf(name: OptionName): Option {
  const { value, help, many, flagOnly } = OPTIONS[name];
  const flag = value === null ? `--${name}` : `--${name} <${value}>`;
  const more = many ? "; repeatable" : "";
  const env = flagOnly ? "" : ` [${environmentName(name)}]`;
  const option = new Option(flag, `${help}${more}${env}`);
  return value === null ? option : option.argParser(collect);
}

export function registerServeCommand(program: Command): void {
  const command = program
    .command("serve")
    .description("run a server; on a terminal and without options it asks for what it needs")
    .option(
      "--config <FILE>",
      `TOML file with the same names [${environmentName("config")}]`,
      collect,
    );
  for (const name of OPTION_NAMES) command.addOption(flagOf(name));
  command.addHelpText(
    "after",
    "\nOptions count before the environment, that before the file, that before what the last start was told.",
  );
  command.action(async () => {
    // Loaded only now: the other commands are quicker without a server in their memory.
    const { runServer } = await import("../server/run.ts");
    process.exitCode = await runServer(rawOptions(command.opts()));
    // Nothing is left to do, and nothing that lingers may keep the process.
    process.exit();
  });
}

/** Commander's values, by our names, as texts. */
function rawOptions(given: Record<string, unknown>): Record<string, readonly string[]> {
  const raw: Record<string, readonly string[]> = {};
  for (const name of [...OPTION_NAMES, "config"]) {
    const value = given[name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
    if (value === true) raw[name] = ["true"];
    else if (Array.isArray(value)) raw[name] = value;
  }
  return raw;
}
