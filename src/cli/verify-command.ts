/**
 * `holdfast verify`: do all live servers of the cluster show the same?
 *
 * It asks through the server on this machine: that one has links to the others, and none of them has to trust
 * anybody new. Servers that can't be asked are named, not passed over.
 */
import type { Command } from "commander";
import type { RangeDigest } from "../core/view-range.ts";
import type { Params, Result } from "../protocol/methods.ts";
import { compareViews } from "../server/compare-views.ts";
import { dataDirectory, findServer } from "../server/operator.ts";
import { EXIT, errorLine } from "./exit.ts";
import { err, out } from "./io.ts";
import { type Call, caller, ended, type Given, operatorOptions } from "./operate.ts";
import { safeJson } from "./printable.ts";
import { progressLine } from "./progress.ts";
import { stoppedText, type Verified, verifyText } from "./verify-text.ts";

const VERIFY_HELP = `
Exit codes: 0 all that were compared are the same; 1 they differ, or something is damaged; 2 wrong usage; 3 no server can be reached;
4 not settled: something differs, but ops were on their way all the time.`;

export function registerVerifyCommand(program: Command): void {
  operatorOptions(
    program
      .command("verify")
      .description("compare what all live servers of the cluster show; names the first difference")
      .option(
        "--offline",
        "check the log and the view of a server that is stopped, from the ground up",
      ),
    VERIFY_HELP,
  ).action(async (options: Given & { readonly offline?: boolean }) => {
    const json = options.json === true;
    try {
      if (options.offline === true) {
        await verifyOffline(options);
        return;
      }
      const verified = await verifyCluster(caller(findServer(options)));
      out(json ? safeJson(verified) : verifyText(verified));
      process.exitCode = exitOf(verified);
    } catch (error) {
      const end = ended(error);
      err(errorLine(end, json));
      process.exitCode = end.exit;
    }
  });
}

async function verifyOffline(options: Given): Promise<void> {
  const { verifyStopped } = await import("../server/verify-stopped.ts");
  const progress = progressLine();
  const say = (doing: string, done: number, total: number) =>
    progress.say(`${doing} ${done} of ${total}`);
  const verdict = await verifyStopped(dataDirectory(options), say).finally(() => progress.end());
  out(options.json === true ? safeJson(verdict) : stoppedText(verdict));
  const isGood = verdict.findings.length === 0 && verdict.view?.is !== "different";
  process.exitCode = isGood ? EXIT.done : EXIT.refused;
}

function exitOf({ verdict }: Verified): number {
  return verdict === "same" ? EXIT.done : verdict === "different" ? EXIT.refused : EXIT.indefinite;
}

type Server = Result<"server.status">["servers"][number];

const canBeAsked = ({ link }: Server) => link === "self" || link === "live";

async function verifyCluster(call: Call): Promise<Verified> {
  const { servers: all } = await call("server.status", {});
  const members = all.filter(({ removed, link }) => !removed || link === "self");
  const servers = members.filter(canBeAsked).map(({ name }) => name);
  const progress = progressLine();
  const compared = await compareViews({
    servers,
    ask: async (of, range) => {
      const params = { of, range } as unknown as Params<"server.digest">;
      return (await call("server.digest", params)).range as RangeDigest;
    },
    wait: (ms) => Bun.sleep(ms),
    onProgress: (table, rows) => progress.say(`comparing ${table}: ${rows} rows`),
  });
  progress.end();
  const notCompared = members.filter((server) => !canBeAsked(server)).map(({ name }) => name);
  return { servers, notCompared, ...compared };
}
