/** `holdfast channel ...` and `holdfast conversations`. */
import type { Command } from "commander";
import type { CallParams, MethodName, Receipt, Result } from "../client/index.ts";
import { LIST_PAGE_MAX } from "../core/limits.ts";
import { foldName } from "../core/names.ts";
import {
  accountArg,
  type Context,
  channelArg,
  define,
  numberArg,
  outJson,
  outLines,
  receiptText,
  width,
  withSession,
} from "./command.ts";
import { UsageError } from "./exit.ts";
import { tableLines } from "./format.ts";
import { out } from "./io.ts";
import { type PageOptions, pages } from "./list-pages.ts";
import { printable } from "./printable.ts";

type ChannelWrite = Extract<MethodName, `channel.${string}`> &
  (
    | "channel.create"
    | "channel.join"
    | "channel.leave"
    | "channel.invite"
    | "channel.update"
    | "channel.remove"
    | "channel.ban"
  );

/** One write, its receipt as the answer. */
async function write<M extends ChannelWrite>(
  { reach, options }: Context<object>,
  method: M,
  params: CallParams<M>,
  said: string,
): Promise<void> {
  await withSession(reach, async ({ client, callMs: deadlineMs }) => {
    const call = client.call.bind(client) as (
      method: M,
      params: CallParams<M>,
      options: { deadlineMs: number },
    ) => Promise<Result<M>>;
    const done = await call(method, params, { deadlineMs });
    if (options.json) outJson(done);
    else out(`${said}; ${receiptText((done as { receipt: Receipt }).receipt)}`);
  });
}

export function registerChannelCommands(program: Command): void {
  const channel = program
    .command("channel")
    .description("channels; a name may be given with or without its #");

  const create = channel
    .command("create <channel>")
    .description("make a channel and be its owner")
    .option("--private", "only who is invited may join and see it")
    .option("--topic <text>", "what it is about");
  define<{ private?: boolean; topic?: string }>(create, async (context) => {
    const { options, args } = context;
    const name = foldName((args[0] ?? "").replace(/^#/, ""));
    if (name === null) throw new UsageError(`${printable(args[0] ?? "")} is no name for a channel`);
    const params = {
      name,
      ...(options.private ? { private: true } : {}),
      ...(options.topic === undefined ? {} : { topic: options.topic }),
    };
    await write(context, "channel.create", params, `#${name} is made`);
  });

  define(channel.command("join <channel>").description("join it"), async (context) => {
    const to = channelArg(context.args[0] ?? "");
    await write(context, "channel.join", { in: to }, `you are in ${to}`);
  });
  define(
    channel.command("leave <channel>").description("leave it, or decline an invitation"),
    async (context) => {
      const to = channelArg(context.args[0] ?? "");
      await write(context, "channel.leave", { in: to }, `you left ${to}`);
    },
  );
  const topic = channel
    .command("topic <channel> [text]")
    .description("show its topic, or set it (empty text: none)");
  define(topic, async (context) => {
    const [name = "", text] = context.args;
    const to = channelArg(name);
    if (text !== undefined) return write(context, "channel.update", { in: to, topic: text }, to);
    await withSession(context.reach, async ({ client, callMs: deadlineMs }) => {
      const found = await client.call("conversation.resolve", { in: to }, { deadlineMs });
      if (context.options.json) outJson(found);
      else out(printable(found.conversation.channel?.topic ?? ""));
    });
  });
  registerPeople(channel);
  registerLists(program, channel);
}

function registerPeople(channel: Command): void {
  const pair = ({ args }: Context<object>) => ({
    in: channelArg(args[0] ?? ""),
    account: accountArg(args[1] ?? ""),
  });
  define(
    channel.command("invite <channel> <account>").description("let somebody join"),
    async (context) => {
      const params = pair(context);
      await write(context, "channel.invite", params, `${params.account} may join ${params.in}`);
    },
  );
  define(
    channel
      .command("remove <channel> <account>")
      .description("owners: remove a member, who may join again"),
    async (context) => {
      const params = pair(context);
      await write(context, "channel.remove", params, `${params.account} is out of ${params.in}`);
    },
  );
  const ban = channel
    .command("ban <channel> <account>")
    .description("owners: remove an account and keep it out")
    .option("--lift", "let it in again");
  define<{ lift?: boolean }>(ban, async (context) => {
    const lift = context.options.lift === true;
    const params = { ...pair(context), ...(lift ? { lift } : {}) };
    const verb = lift ? "may join again:" : "is banned from";
    await write(context, "channel.ban", params, `${params.account} ${verb} ${params.in}`);
  });
  define(
    channel
      .command("hand-over <channel> <account>")
      .description("owners: make another member the owner"),
    async (context) => {
      const { in: to, account } = pair(context);
      await write(context, "channel.update", { in: to, owner: account }, `${account} owns ${to}`);
    },
  );
}

function registerLists(program: Command, channel: Command): void {
  const paged = (command: Command) =>
    command
      .option("--limit <n>", "one page of at most so many")
      .option("--after <mark>", "from behind what the last page gave as `next`");

  const list = channel
    .command("list [wildcard]")
    .description("channels that you may see, by wildcard, sorted by name");
  define<PageOptions>(paged(list), async ({ reach, options, args }) => {
    const limit = numberArg(options.limit, "--limit", LIST_PAGE_MAX);
    const match = (args[0] ?? "*").replace(/^#/, "");
    await withSession(reach, async ({ client, callMs: deadlineMs }) => {
      const page = await pages<Result<"channel.list">>(
        (params) => client.call("channel.list", { match, ...params }, { deadlineMs }),
        "channels",
        { limit, after: options.after },
      );
      if (options.json) return outJson(page);
      const rows = page.channels.map(({ name, members, standing, topic, ...rest }) => [
        `#${name}`,
        String(members),
        [rest.private ? "private" : "public", standing ?? ""].filter(Boolean).join(","),
        topic,
      ]);
      outLines(tableLines(rows, width()));
    });
  });

  const members = channel.command("members <channel>").description("who is in it");
  define<PageOptions>(paged(members), async ({ reach, options, args }) => {
    const limit = numberArg(options.limit, "--limit", LIST_PAGE_MAX);
    const to = channelArg(args[0] ?? "");
    await withSession(reach, async ({ client, callMs: deadlineMs }) => {
      const page = await pages<Result<"channel.members">>(
        (params) => client.call("channel.members", { in: to, ...params }, { deadlineMs }),
        "members",
        { limit, after: options.after },
      );
      if (options.json) return outJson(page);
      const rows = page.members.map(({ name, standing, online, displayName }) => [
        name,
        standing,
        online ? "online" : "",
        displayName,
      ]);
      outLines(tableLines(rows, width()));
    });
  });

  const conversations = program
    .command("conversations")
    .description("your channels and people, newest activity first, with what is unread");
  define<PageOptions>(paged(conversations), async ({ reach, options }) => {
    const limit = numberArg(options.limit, "--limit", LIST_PAGE_MAX);
    await withSession(reach, async ({ client, callMs: deadlineMs }) => {
      const page = await pages<Result<"conversation.list">>(
        (params) => client.call("conversation.list", params, { deadlineMs }),
        "conversations",
        { limit, after: options.after },
      );
      if (options.json) return outJson(page);
      const rows = page.conversations.map(({ name, unread, last }) => [
        name,
        `${unread > 999 ? "999+" : unread} unread`,
        last === undefined ? "" : `${last.author.name}: ${last.text}`,
      ]);
      outLines(tableLines(rows, width()));
    });
  });
}
