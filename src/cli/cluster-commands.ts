/**
 * `holdfast invite`, `remove`, `secret`: which servers the cluster has, on the machine of one of them. Like the
 * commands of `holdfast admin` they reach the running server as its operator.
 */
import type { Command } from "commander";
import type { Result } from "../protocol/methods.ts";
import { UsageError } from "./exit.ts";
import { operate, operatorOptions } from "./operate.ts";
import { printable } from "./printable.ts";

const HOUR_MS = 60 * 60 * 1000;
const HOURS_MAX = 30 * 24;

const collect = (text: string, before: readonly string[] | undefined) => [...(before ?? []), text];

function hoursOf(text: string): number {
  const hours = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (hours >= 1 && hours <= HOURS_MAX) return hours;
  throw new UsageError(`${JSON.stringify(text)}: expected hours, 1 to ${HOURS_MAX}`);
}

function invited({ token, expiresAt }: Result<"cluster.invite">): string {
  const until = `${new Date(expiresAt).toISOString().slice(0, 16)}Z`;
  return [
    token,
    "",
    `Good for one server until ${until}, while this server runs. On the new machine:`,
    "  holdfast serve --name NAME --listen HOST:PORT --sign-up POLICY --join TOKEN",
  ].join("\n");
}

function registerInvite(program: Command): void {
  operatorOptions(
    program
      .command("invite")
      .description("make a token with which one new server may join the cluster")
      .option("--hours <N>", "how long it is good", "24")
      .option(
        "--address <URL>",
        "where the new server reaches this one, if not at its own address; repeatable",
        collect,
      ),
  ).action((options: { hours: string; address?: readonly string[] }, command: Command) =>
    operate(command, async (call) => {
      const expiresInMs = hoursOf(options.hours) * HOUR_MS;
      const urls = options.address === undefined ? {} : { urls: [...options.address] };
      const json = await call("cluster.invite", { expiresInMs, ...urls });
      return { json, text: invited(json) };
    }),
  );
}

function registerRemove(program: Command): void {
  operatorOptions(
    program
      .command("remove <server>")
      .description("remove a server from the cluster, also a dead one; run it on another one"),
  ).action((server: string, _options, command: Command) =>
    operate(command, async (call) => {
      const json = await call("cluster.remove", { server, id: Bun.randomUUIDv7() });
      const text = [
        `${server} is removed; stored by ${json.receipt.held.join(", ")}.`,
        "If it runs it hands over what only it has, and stops. If others may have its data directory:",
        "  holdfast secret rotate",
      ].join("\n");
      return { json, text: printable(text) };
    }),
  );
}

function rotated({ generation, held, away }: Result<"cluster.rotateSecret">): string {
  const lines = [`The cluster has a new secret, change number ${generation}.`];
  lines.push(`On disk at: ${held.join(", ")}.`);
  if (away.length > 0) {
    lines.push(`Away: ${away.join(", ")}: they get it when they link again, by their own keys.`);
  }
  lines.push("Files that were given by --secret-file hold the old one and are read no more.");
  return printable(lines.join("\n"));
}

function registerSecret(program: Command): void {
  const secret = operatorOptions(
    program.command("secret").description("the secret that the servers of a cluster share"),
  );
  secret
    .command("rotate")
    .description("make a new secret and give it to all members; the old one lets nobody join")
    .action((_options, command: Command) =>
      operate(command, async (call) => {
        const json = await call("cluster.rotateSecret", {});
        return { json, text: rotated(json) };
      }),
    );
}

export function registerClusterCommands(program: Command): void {
  registerInvite(program);
  registerRemove(program);
  registerSecret(program);
}
