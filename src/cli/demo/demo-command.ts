/** `holdfast demo`: three servers of this machine under one terminal, to try what the third one is for. */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import manifest from "../../../package.json" with { type: "json" };
import { EXIT } from "../exit.ts";
import { err, stdinIsTerminal, stdoutIsTerminal, writeAll } from "../io.ts";
import { paint } from "../paint.ts";
import { Screen } from "../screen.ts";
import { realTty } from "../tty.ts";

const HOST = "127.0.0.1";
const FIRST_PORT = 7300;
const WIDTH_OF_NO_TERMINAL = 100_000;

export function registerDemoCommand(program: Command): void {
  program
    .command("demo")
    .description(
      "three servers on this machine under one terminal: kill, freeze, cut them off, and see the chat go on",
    )
    .addOption(new Option("--data <DIR>", "where everything is kept").default(".holdfast"))
    .addOption(
      new Option("--port <PORT>", "the first of three ports; those that are taken are passed over")
        .default(FIRST_PORT)
        .argParser(portOf),
    )
    .action(async ({ data, port }: { data: string; port: number }) => {
      process.exit(await demo(resolve(data), port));
    });
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_533) return port;
  err(`holdfast: --port: ${JSON.stringify(text)} is not valid: expected 0 to 65533`);
  process.exit(EXIT.usage);
}

async function demo(folder: string, firstPort: number): Promise<number> {
  process.umask(0o077); // what it keeps is nobody else's
  // Loaded only now: the other commands are quicker without it.
  const [{ Demo }, { freePorts }, { NAMES }] = await Promise.all([
    import("./demo.ts"),
    import("./ports.ts"),
    import("./fleet.ts"),
  ]);
  const ports = await freePorts(HOST, firstPort, NAMES.length);
  const last = ports.at(-1) as number;
  const taken =
    firstPort === 0 ? [] : range(firstPort, last).filter((port) => !ports.includes(port));
  const isTyped = stdinIsTerminal() && stdoutIsTerminal();
  let leave = (): void => process.exit(EXIT.done);
  let heard: (line: string) => void = () => {};
  const screen = isTyped
    ? new Screen(realTty(), { line: (text) => heard(text), leave: () => leave() })
    : plainScreen();
  try {
    const version = manifest.version;
    const running = new Demo({ folder, ports, taken, version, screen, isTyped });
    process.once("exit", () => running.abandon());
    leave = () => void running.leave();
    heard = (line) => running.line(line);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => leave());
    running.begin();
    if (screen instanceof Screen) {
      screen.prompt("holdfast> ");
      screen.begin();
    }
    return await running.over;
  } catch (error) {
    const { message, remedy } = error as Error & { remedy?: string };
    if (screen instanceof Screen) screen.close();
    err(`holdfast: ${message}${remedy === undefined ? "" : `\n  ${remedy}`}`);
    return EXIT.usage;
  } finally {
    if (screen instanceof Screen) screen.close();
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function plainScreen(): Pick<Screen, "width" | "print"> {
  return {
    width: WIDTH_OF_NO_TERMINAL,
    print: (lines) => {
      for (const line of lines) writeAll(1, `${paint(line, "none")}\n`);
    },
  };
}
