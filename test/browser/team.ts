/**
 * A team that has been at work for a while: what views look like with people in them, in tests and in pictures.
 * In scripts that the fonts of a bare machine have.
 */
import type { AccountId, ChannelId } from "../../src/core/ids.ts";
import { scratch } from "../server-process.ts";
import { Ledger } from "./ledger.ts";
import { Site, type SiteOptions } from "./site.ts";
import { PASSWORD } from "./tab.ts";

export const VIEWER = { name: "maya", displayName: "Maya Lindqvist" };
const MINUTE_MS = 60_000;

const PEOPLE = [
  VIEWER,
  { name: "tomas", displayName: "Tomás Novák" },
  { name: "eleni", displayName: "Ελένη Παππά" },
  { name: "yusuf", displayName: "يوسف القحطاني" },
  { name: "max", displayName: "Maximiliane Freifrau von Hohenstein-Waldburg" },
  { name: "dee", displayName: "Dee Okafor" },
  { name: "sam.oyelaran", displayName: "" },
] as const;
type Who = (typeof PEOPLE)[number]["name"];

const CHANNELS = [
  { name: "general", topic: "Everybody, and what concerns all of us" },
  { name: "ops", topic: "Deploys, alarms, who is on call" },
  { name: "design" },
  { name: "board", topic: "Numbers. They stay in here.", isPrivate: true },
  {
    name: "incident-2025-11-storage",
    topic: "Timeline and decisions; the report: https://wiki.example/incidents/2025-11",
  },
] as const;
type ChannelName = (typeof CHANNELS)[number]["name"];
const INVITED = ["max", "dee"];

const ARTIFACT = `https://build.example/artifacts/${"b5bb9d8014a0f9b1".repeat(4)}/holdfast.tar.zst`;
const PLAN = [
  "This one, in short:",
  "```",
  "holdfast admin check --data /srv/b",
  "systemctl stop holdfast@b",
  "rsync -aHAX /srv/b/ /mnt/new/b/",
  "systemctl start holdfast@b",
  "```",
  "I look at the receipts before and after.",
].join("\n");

type Said = readonly [minutesAgo: number, who: Who, to: ChannelName | `@${Who}`, text: string];

/** Oldest first. */
const SAID: readonly Said[] = [
  [9_020, "dee", "general", "Lunch on Thursday, the place with the big table?"],
  [9_001, "max", "general", "I'm in, and I bring somebody from the Zürich office."],
  [8_990, "eleni", "general", "Κρατήστε και σε μένα μια θέση."],
  [3_100, "tomas", "incident-2025-11-storage", "10:02 the copy begins"],
  [3_050, "tomas", "incident-2025-11-storage", "10:13 the copy is done, `b` catches up"],
  [1_500, "tomas", "ops", "I move the storage of **b** to the new disks tomorrow, from ten."],
  [1_499, "tomas", "ops", "Nobody should notice: `a` and `c` go on, `b` catches up by itself."],
  [1_480, "eleni", "ops", "Εντάξει. Παρακολουθώ τα μηχανήματα από εδώ."],
  [240, "maya", "ops", "Good morning. Which runbook do we follow?"],
  [236, "tomas", "ops", PLAN],
  [230, "yusuf", "ops", "هل نحتاج إلى إيقاف المهام الليلية؟"],
  [229, "tomas", "ops", "@yusuf no, they only talk to `a`."],
  [180, "max", "ops", `If you need to go back, the artifact is still there: ${ARTIFACT}`],
  [95, "maya", "ops", "Stored on all three again. That took *eleven minutes*, not a word lost."],
  [94, "sam.oyelaran", "ops", "I was posting all the time and did not notice anything."],
  [90, "max", "board", "The figures of the third quarter are in."],
  [70, "max", "@maya", `${"Donaudampfschifffahrtsgesellschaft".repeat(4)}, wirklich.`],
  [66, "maya", "@max", "Really?"],
  [40, "yusuf", "@maya", "صباح الخير يا مايا، هل لديك دقيقة؟"],
  [12, "dee", "@maya", "Have you seen the clouds today?"],
  [11, "dee", "@maya", "Come to the roof when you have a minute."],
];
/** What the viewer has not looked at yet. */
const UNREAD: readonly string[] = ["@dee", "@yusuf", "#board"];

export type Team = {
  readonly site: Site;
  readonly channel: (name: ChannelName) => ChannelId;
  /** A session of this person, past the browser; its token. */
  readonly session: (who: Who) => Promise<string>;
};

/** A server with the team on it. The viewer owns the channels and is the administrator. */
export async function team(options: SiteOptions = {}): Promise<Team> {
  const now = Date.now();
  let at = now - 40 * 24 * 60 * MINUTE_MS;
  const ledger = await Ledger.open(scratch(), () => at);
  const accounts = new Map<string, AccountId>();
  for (const { name, displayName } of PEOPLE) {
    accounts.set(name, await ledger.account(name, displayName));
  }
  const account = (who: string) => accounts.get(who) as AccountId;
  const channels = new Map<string, ChannelId>();
  for (const about of CHANNELS) {
    const channel = await ledger.channel(account(VIEWER.name), about);
    channels.set(about.name, channel);
    for (const { name } of PEOPLE) {
      const isIn = !("isPrivate" in about) || INVITED.includes(name);
      if (isIn && name !== VIEWER.name) await ledger.join(channel, account(name));
    }
  }
  for (const [minutesAgo, who, to, text] of SAID) {
    at = now - minutesAgo * MINUTE_MS;
    const place = to.startsWith("@") ? account(to.slice(1)) : (channels.get(to) as ChannelId);
    await ledger.post(account(who), place, text);
  }
  const site = await Site.open({ ...options, data: await ledger.close() });
  await site.makeAdmin(VIEWER.name);
  const session = (who: Who) => openSession(site, who);
  await readAll(site, await session(VIEWER.name));
  return { site, session, channel: (name) => channels.get(name) as ChannelId };
}

async function openSession(site: Site, name: string): Promise<string> {
  const opened = await site.act(null, "session.open", { name, password: PASSWORD });
  return opened.token as string;
}

/** The viewer has seen everything but what is new. */
async function readAll(site: Site, token: string): Promise<void> {
  const { conversations } = await site.call(token, "conversation.list", {});
  type Listed = { id: string; name: string; last?: { position: string } };
  for (const { id, name, last } of conversations as Listed[]) {
    if (UNREAD.includes(name) || last === undefined) continue;
    await site.call(token, "conversation.read", { in: id, upTo: last.position });
  }
}
