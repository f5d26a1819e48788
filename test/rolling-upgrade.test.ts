/**
 * Three servers are upgraded one by one while people talk through them, and one is put back in between. The next
 * release speaks one more version and mints a kind of op that this one does not know.
 */
import { Database } from "bun:sqlite";
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type Client, createClient } from "../src/client/index.ts";
import { decodeEnvelope } from "../src/core/op.ts";
import { eventually, Site } from "./cluster-processes.ts";
import { company, expectNothingLost } from "./cluster-talk.ts";
import { NEXT_KIND, nextRelease } from "./next-release.ts";
import { atEnd, COMMAND, cleanUp, HoldfastProcess } from "./server-process.ts";

setDefaultTimeout(120_000);
afterEach(cleanUp);

const NAMES = ["a", "b", "c"] as const;
type Name = (typeof NAMES)[number];

/** Ops of the next release's kind on a server's disk, as its log has them now. */
function nextOpsOn(site: Site, name: Name): number {
  const db = new Database(join(site.data(name), "log.db"), { readonly: true });
  try {
    const rows = db.query<{ envelope: Uint8Array }, []>("SELECT envelope FROM ops").all();
    return rows.filter(({ envelope }) => decodeEnvelope(envelope).kind === NEXT_KIND).length;
  } finally {
    db.close();
  }
}

/** What an account is shown as, by one server only. */
async function shownBy(site: Site, name: Name, token: string): Promise<string> {
  const answer = await site.call(name, "account.list", { match: "dora" }, token);
  const [account] = (answer.result?.accounts ?? []) as { displayName: string }[];
  return account?.displayName ?? `${answer.error?.message}`;
}

async function untilShown(site: Site, name: Name, token: string, text: string): Promise<void> {
  await eventually(async () => ((await shownBy(site, name, token)) === text ? true : null));
}

/** Stopped in order, and started by another program. */
async function replace(site: Site, name: Name, command: readonly string[]): Promise<void> {
  const { code } = await site.process(name).stop();
  expect(code).toBe(0);
  await site.start(name, [], command);
  await site.inSync(NAMES);
}

async function verify(
  site: Site,
  command: readonly string[],
): Promise<{ code: number; out: string }> {
  const args = ["verify", "--data", site.data("a")];
  return new HoldfastProcess(args, site.folder, {}, [], command).ended();
}

/** Who sets a display name at one server only, and nowhere else. */
async function doraAt(site: Site, name: Name): Promise<Client> {
  const client = createClient({ servers: [site.url(name)], learnServers: false });
  atEnd(() => client.close());
  return client;
}

test("[R111] two releases work together: nothing is lost, no client sees an error, what is unknown is passed on", async () => {
  const next = nextRelease();
  const site = new Site();
  await site.startAll(NAMES);
  const speakers = await company(site, NAMES);
  const dora = await doraAt(site, "a");
  await dora.signUp({ name: "dora", password: "correct horse", displayName: "Dora" });
  const token = dora.token as string;
  const style = async (displayName: string) => {
    const { receipt } = await dora.call("account.update", { displayName });
    expect([...receipt.held].sort()).toEqual([...NAMES]);
  };

  await replace(site, "a", next);
  await style("One");
  await untilShown(site, "a", token, "~One~");
  // They do not know what it is, and have it all the same.
  for (const name of NAMES) expect([name, nextOpsOn(site, name)]).toEqual([name, 1]);
  for (const name of ["b", "c"] as const) expect(await shownBy(site, name, token)).toBe("Dora");

  await replace(site, "b", next);
  await untilShown(site, "b", token, "~One~"); // what was stored before it knew the kind
  await replace(site, "a", COMMAND);
  await untilShown(site, "a", token, "Dora"); // put back, it shows what it knows

  const { account } = await speakers[1]!.client.call("account.update", { displayName: "Bobby" });
  expect(account.name).toBe("bob");
  await replace(site, "c", next);
  await untilShown(site, "c", token, "~One~"); // passed on by whoever has it
  await replace(site, "a", next);
  await style("Two");
  for (const name of NAMES) await untilShown(site, name, token, "~Two~");

  await expectNothingLost(speakers);
  const verified = await eventually(async () => {
    const found = await verify(site, next);
    return found.code === 4 ? null : found; // ops were on their way
  });
  expect([verified.code, verified.out]).toEqual([
    0,
    expect.stringContaining("servers show the same"),
  ]);
  expect(verified.out).toMatch(/^held +(\w+) +\1 +\1$/m);
  const counts = NAMES.map((name) => nextOpsOn(site, name));
  expect(counts[0]).toBeGreaterThanOrEqual(2);
  expect(counts).toEqual(counts.map(() => counts[0] as number));
});
