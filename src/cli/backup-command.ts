/** `holdfast backup` and `holdfast restore`: what a server keeps, in one file and back. */
import type { Command } from "commander";
import { isServerName } from "../core/ids.ts";
import type { BackupHeader } from "../server/backup.ts";
import { dataDirectory } from "../server/operator.ts";
import { errorLine, UsageError } from "./exit.ts";
import { err, out } from "./io.ts";
import { ended, type Given, operatorOptions, type Report } from "./operate.ts";
import { printable, safeJson } from "./printable.ts";
import { type Progress, progressLine } from "./progress.ts";

const BACKUP_HELP = `
It holds the log (texts of messages, hashes of passwords and tokens) and the server's own key, not the cluster's
secret. The server may run; it is read from its directory, not through it.

Exit codes: 0 done, the file is whole and synced; 2 not done, and nothing is there under its name.`;

const RESTORE_HELP = `
The directory must be new or empty, but for secret and key. Then start the server with the cluster's secret.

Exit codes: 0 done; 2 not done, and the directory is as it was before.`;

export function registerBackupCommands(program: Command): void {
  const backup = program
    .command("backup <file>")
    .description("write all that a server holds to one file, also while it runs")
    .option("--force", "replace the file if there is one");
  operatorOptions(backup, BACKUP_HELP).action((file: string, options: Given & Force) =>
    carryOut(options, (progress) => backUp(file, options, progress)),
  );
  const restore = program
    .command("restore <file>")
    .description("make the data of a server from a backup")
    .option("--data <DIR>", "the directory to make it in")
    .option("--name <NAME>", "under another name: a new server, with a key of its own")
    .option("--check", "read and check the file, write nothing")
    .option("--json", "print JSON")
    .addHelpText("after", RESTORE_HELP);
  restore.action((file: string, options: Given & Check) =>
    carryOut(options, (progress) =>
      options.check === true ? check(file, progress) : bringBack(file, options, progress),
    ),
  );
}

type Force = { readonly force?: boolean };
type Check = { readonly check?: boolean };

async function carryOut(
  { json = false }: Given,
  work: (progress: Progress) => Promise<Report>,
): Promise<void> {
  process.umask(0o077);
  const progress = progressLine();
  try {
    const report = await work(progress);
    progress.end();
    out(json ? safeJson(report.json) : report.text.split("\n").map(printable).join("\n"));
  } catch (error) {
    progress.end();
    const end = ended(error);
    err(errorLine(end, json));
    process.exitCode = end.exit;
  }
}

const saying = (progress: Progress) => (doing: string, done: number, total: number) =>
  progress.say(`${doing} ${done} of ${total}`);

function size(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  for (; value >= 1_000 && unit < units.length - 1; unit++) value /= 1_000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

function about({ server, made, ops, cluster, vector }: BackupHeader): string {
  return `server ${server} of cluster ${cluster}, ${ops} ops, held ${vector}, made ${made}`;
}

/** Loaded only now: the other commands are quicker without a store in their memory. */
const storage = () => import("../server/backup.ts");

async function backUp(file: string, given: Given & Force, progress: Progress): Promise<Report> {
  const { backupTo } = await storage();
  const { header, bytes } = backupTo({
    data: dataDirectory(given),
    file,
    force: given.force === true,
    made: new Date().toISOString(),
    onProgress: saying(progress),
  });
  return { json: { file, bytes, ...header }, text: `${file}: ${size(bytes)}; ${about(header)}` };
}

async function check(file: string, progress: Progress): Promise<Report> {
  const { readBackup } = await storage();
  const { header, key } = readBackup(file, saying(progress));
  const text = `${file} is whole: ${about(header)}`;
  return { json: { file, hasKey: key !== null, ...header }, text };
}

async function bringBack(file: string, given: Given, progress: Progress): Promise<Report> {
  const { data, name = null } = given;
  if (data === undefined) throw new UsageError("say where to restore it to by --data DIR");
  if (name !== null && !isServerName(name)) {
    throw new UsageError("a name has 1 to 32 of a-z, 0-9 and -, and begins with a letter or digit");
  }
  const { restoreTo } = await storage();
  const { header, storeId, hasKey } = await restoreTo({
    file,
    data,
    name,
    onProgress: saying(progress),
  });
  const server = name ?? header.server;
  const key = hasKey ? "" : " It has no key yet: its first start makes one.";
  const lines = [
    `${data}: ${about(header)}; restored as store ${storeId}.${key}`,
    `Start it with the cluster's secret: holdfast serve --name ${server} --data ${data} --secret-file FILE`,
  ];
  const json = { data, name: server, store: storeId, hasKey, backup: header };
  return { json, text: lines.join("\n") };
}
