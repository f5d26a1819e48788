/** `holdfast send`, `history`, `search`. */
import type { Command } from "commander";
import { HoldfastError, type Message, type Result } from "../client/index.ts";
import { derivedRequestId, isRequestId, type RequestId } from "../core/ids.ts";
import { FRAME_BYTES_MAX, HISTORY_PAGE_MAX, SEARCH_PAGE_MAX } from "../core/limits.ts";
import { realHash } from "../server/platform.ts";
import {
  conversationArg,
  define,
  numberArg,
  outJson,
  outLines,
  receiptText,
  type Session,
  width,
  withSession,
} from "./command.ts";
import { UsageError } from "./exit.ts";
import { dayKey, dayText, localCalendar, messageLines, messageRow, ruleLine } from "./format.ts";
import { err, out, readStdin, stdinIsTerminal, stdinLines, stdoutIsTerminal } from "./io.ts";
import type { Span } from "./paint.ts";
import { Places } from "./places.ts";
import { printable } from "./printable.ts";

/** How many messages one `history` may print. */
const HISTORY_MAX = 100_000;
const AGAIN_MS = 500;

export function registerMessageCommands(program: Command): void {
  registerSend(program);
  registerHistory(program);
  registerSearch(program);
}

type SendOptions = { lines?: boolean; id?: string; quiet?: boolean };

function registerSend(program: Command): void {
  const command = program
    .command("send <to> [text...]")
    .description(
      "send a message to '@bob' or '#ops' (in quotes); without text, or with -, standard input as " +
        "one message",
    )
    .option(
      "--lines",
      "each line of standard input as a message, in order; empty ones are left out",
    )
    .option("--id <uuid>", "UUIDv7 of the message: the same again sends nothing twice")
    .option("--quiet", "print nothing when it is done");
  define<SendOptions>(command, async ({ reach, options, args }) => {
    const to = conversationArg(args[0] ?? "");
    const words = args.slice(1);
    const fromStdin = words.length === 0 || (words.length === 1 && words[0] === "-");
    const { id } = options;
    if (id !== undefined && !isRequestId(id)) {
      throw new UsageError("--id is a UUIDv7 in lower case");
    }
    if (options.lines && !fromStdin)
      throw new UsageError("--lines takes no text but standard input");
    if (fromStdin && stdinIsTerminal()) err("holdfast: type the message; Ctrl+D ends it");
    if (options.lines) return reachLines(to);
    const text = fromStdin
      ? (await readStdin(FRAME_BYTES_MAX)).replace(/\r?\n$/, "")
      : words.join(" ");
    if (text === "") throw new UsageError("there is nothing to send");
    return withSession(reach, async (session) => {
      const posted = await post(session, to, text, id);
      if (options.json) outJson(posted);
      else if (!options.quiet) out(`sent to ${to}; ${receiptText(posted.receipt)}`);
    });

    async function reachLines(to: string): Promise<void> {
      await withSession(reach, async (session) => {
        // What the name stands for now: a rename in the middle redirects nothing.
        const deadline = { deadlineMs: session.callMs };
        const place = await session.client.call("conversation.resolve", { in: to }, deadline);
        let sent = 0;
        try {
          for await (const line of stdinLines(FRAME_BYTES_MAX)) {
            if (line.trim() === "") continue;
            const own = id && derivedRequestId(realHash, `line ${sent + 1}`, id as RequestId);
            const posted = await post(session, place.id, line, own || undefined);
            sent++;
            if (options.json) outJson(posted);
          }
        } catch (error) {
          err(`holdfast: ${sent} message(s) were sent before this`);
          throw error;
        }
        if (!options.json && !options.quiet) out(`${sent} message(s) sent to ${to}`);
      });
    }
  });
}

/** Sends it; repeats it under its id, for a while, where that can cure the refusal. */
async function post(
  { client, callMs }: Session,
  to: string,
  text: string,
  id: string | undefined,
): Promise<Result<"message.post">> {
  const until = performance.now() + callMs;
  const params: { to: string; text: string; id?: string } =
    id === undefined ? { to, text } : { to, text, id };
  for (;;) {
    try {
      const deadlineMs = Math.max(1_000, until - performance.now());
      return await client.call("message.post", params, { deadlineMs });
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const { code, requestId, retryAfterMs = AGAIN_MS } = error;
      const curable = code === "rate_limited" || code === "indefinite";
      if (!curable || performance.now() + retryAfterMs > until) throw error;
      if (requestId !== undefined) params.id = requestId;
      await Bun.sleep(retryAfterMs);
    }
  }
}

function registerHistory(program: Command): void {
  const command = program
    .command("history <conversation>")
    .description("the last messages of '@bob' or '#ops', oldest first")
    .option("--limit <n>", "at most so many (50)")
    .option("--before <position>", "those before this place: the `next` of a newer page");
  define<{ limit?: string; before?: string }>(command, async ({ reach, options, args }) => {
    const limit = numberArg(options.limit, "--limit", HISTORY_MAX) ?? 50;
    const to = conversationArg(args[0] ?? "");
    await withSession(reach, async (session) => {
      const page = await historyOf(session, to, limit, options.before);
      if (options.json) return outJson(page);
      const place = await new Places(session.client).find(to);
      if (stdoutIsTerminal()) outLines(blockOf(page.messages));
      else for (const message of page.messages) out(messageRow(message, place.name));
      if (page.next !== undefined) err(`holdfast: older ones with --before '${page.next}'`);
    });
  });
}

/** As many pages as the limit asks for, as one. */
async function historyOf(
  { client, callMs: deadlineMs }: Session,
  to: string,
  limit: number,
  from: string | undefined,
): Promise<Result<"message.history">> {
  let before = from;
  let messages: Message[] = [];
  for (;;) {
    const page = await client.call(
      "message.history",
      {
        in: to,
        limit: Math.min(HISTORY_PAGE_MAX, limit - messages.length),
        ...(before === undefined ? {} : { before }),
      },
      { deadlineMs },
    );
    messages = [...page.messages, ...messages];
    before = page.next;
    if (before === undefined || messages.length >= limit) return { ...page, messages };
  }
}

function blockOf(messages: readonly Message[], where?: (message: Message) => string): Span[][] {
  const lines: Span[][] = [];
  let day = "";
  for (const message of messages) {
    const moment = localCalendar(message.at);
    if (dayKey(moment) !== day) lines.push(ruleLine(dayText(moment), width()));
    day = dayKey(moment);
    const look = { width: width(), calendar: localCalendar };
    lines.push(...messageLines(message, where ? { ...look, where: where(message) } : look));
  }
  return lines;
}

function registerSearch(program: Command): void {
  const command = program
    .command("search <words...>")
    .description("messages that hold every word, of all you may read; the newest last")
    .option("--in <conversation>", "of one conversation")
    .option("--limit <n>", "at most so many (20)")
    .option("--before <mark>", "older ones: the `next` of the last answer");
  type Options = { in?: string; limit?: string; before?: string };
  define<Options>(command, async ({ reach, options, args }) => {
    const limit = numberArg(options.limit, "--limit", SEARCH_PAGE_MAX);
    const params = {
      text: args.join(" "),
      ...(options.in === undefined ? {} : { in: conversationArg(options.in) }),
      ...(limit === undefined ? {} : { limit }),
      ...(options.before === undefined ? {} : { before: options.before }),
    };
    await withSession(reach, async ({ client, callMs: deadlineMs }) => {
      const page = await client.call("message.search", params, { deadlineMs });
      if (options.json) return outJson(page);
      const places = new Places(client);
      const names = new Map<string, string>();
      for (const { conversation } of page.messages) {
        if (!names.has(conversation)) names.set(conversation, await places.nameOf(conversation));
      }
      const where = ({ conversation }: Message) => names.get(conversation) as string;
      const oldestFirst = page.messages.toReversed();
      if (stdoutIsTerminal()) outLines(blockOf(oldestFirst, where));
      else for (const message of oldestFirst) out(messageRow(message, where(message)));
      if (page.next !== undefined)
        err(`holdfast: older ones with --before '${printable(page.next)}'`);
    });
  });
}
