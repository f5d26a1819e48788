/** The SDK over three real servers that are killed, frozen and stopped under people who talk. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { eventually, Site } from "./cluster-processes.ts";
import { company, expectNothingLost, type Speaker } from "./cluster-talk.ts";
import { cleanUp } from "./server-process.ts";

setDefaultTimeout(60_000);
afterEach(cleanUp);

const NAMES = ["a", "b", "c"] as const;

async function talking(): Promise<{ site: Site; speakers: Speaker[] }> {
  const site = new Site();
  await site.startAll(NAMES);
  return { site, speakers: await company(site, NAMES) };
}

/** Until everybody who speaks has had so many more acknowledged. */
async function more(speakers: readonly Speaker[], count = 20): Promise<void> {
  const [ann, bob] = speakers as [Speaker, Speaker];
  const wanted = [ann, bob].map(({ stored }) => stored.length + count);
  await eventually(() =>
    [ann, bob].every(({ stored }, i) => stored.length >= (wanted[i] as number)) ? true : null,
  );
}

const serverOf = (speaker: Speaker | undefined) => speaker?.client.connection.name;

test("[R3, R60, R64] two servers are killed, one after the other: talk goes on, none lost, none twice, in order", async () => {
  const { site, speakers } = await talking();
  await more(speakers);
  await site.kill("a");
  await more(speakers);
  expect(serverOf(speakers[0])).not.toBe("a");
  await site.kill("b");
  await more(speakers);
  for (const speaker of speakers) expect(serverOf(speaker)).toBe("c");
  await Promise.all([site.start("a"), site.start("b")]);
  await site.inSync(NAMES);
  await more(speakers);
  await expectNothingLost(speakers);
});

test("[R3, R64] a server that freezes and wakes up later: none lost, none twice, in order", async () => {
  const { site, speakers } = await talking();
  await more(speakers);
  site.process("a").child.kill("SIGSTOP");
  await more(speakers);
  for (const speaker of speakers) {
    await eventually(() => (serverOf(speaker) === "a" ? null : true));
  }
  site.process("a").child.kill("SIGCONT");
  await more(speakers, 100);
  await expectNothingLost(speakers);
});

test("[R3, R60] a server that stops says so, and nobody waits for it", async () => {
  const { site, speakers } = await talking();
  await more(speakers);
  await site.process("a").stop("SIGTERM");
  await more(speakers);
  await site.start("a");
  await site.inSync(NAMES);
  await more(speakers);
  await expectNothingLost(speakers);
});

test("[R3, R64] two servers freeze at once: the third takes over all the same", async () => {
  const { site, speakers } = await talking();
  await more(speakers);
  for (const name of ["a", "b"]) site.process(name).child.kill("SIGSTOP");
  await more(speakers);
  for (const speaker of speakers) await eventually(() => (serverOf(speaker) === "c" ? true : null));
  for (const name of ["a", "b"]) site.process(name).child.kill("SIGCONT");
  await more(speakers);
  await expectNothingLost(speakers);
});
