/**
 * `holdfast chat`: finds or opens a session, and puts the chat on a terminal or between two pipes.
 *
 * On a terminal what is typed is kept on disk until it is stored by a server, so that leaving while no server
 * can be reached loses nothing. Between pipes nothing is kept: a script that is told that it failed repeats,
 * and what was kept would go out a second time.
 */
import type { Command } from "commander";
import { createClient, HoldfastError } from "../client/index.ts";
import { FRAME_BYTES_MAX } from "../core/limits.ts";
import { Chat } from "./chat.ts";
import type { ChatScreen } from "./chat-screen.ts";
import { conversationArg, define } from "./command.ts";
import { EXIT, Unreachable } from "./exit.ts";
import { localCalendar, noticeLines } from "./format.ts";
import { err, stdinIsTerminal, stdinLines, stdoutIsTerminal, writeAll } from "./io.ts";
import { paint } from "./paint.ts";
import { refOf } from "./places.ts";
import type { Reach } from "./reach.ts";
import { Screen } from "./screen.ts";
import type { KeptSession } from "./session-store.ts";
import { signInDialogue } from "./sign-in-dialogue.ts";
import { realTty } from "./tty.ts";

/** How long leaving waits for what is still to be sent: a person, and a pipe. */
const LEAVE_MS = 3_000;
const LEAVE_PIPE_MS = 60_000;

export function registerChatCommand(program: Command): void {
  const command = program
    .command("chat [conversation]")
    .description(
      "chat line by line, in '@bob' or '#ops' if given; /help lists what can be typed, EXIT leaves. " +
        "What waited is shown first. Reads from a pipe, too",
    )
    .option(
      "--invitation <code>",
      "a code to make an account with: an invitation, or of the set-up",
    );
  define<{ invitation?: string }>(command, async ({ reach, args, options }) => {
    const place = args[0] === undefined ? undefined : conversationArg(args[0]);
    const interactive = stdinIsTerminal() && stdoutIsTerminal();
    const exit = interactive
      ? await onTerminal(reach, place, options.invitation)
      : await betweenPipes(reach, place);
    if (exit !== EXIT.done) process.exit(exit);
  });
}

function openChat(
  reach: Reach,
  session: KeptSession,
  screen: ChatScreen,
  interactive: boolean,
  place: string | undefined,
) {
  const storage = reach.store.chatStorage(session, interactive);
  const client = createClient({ servers: session.servers, storage });
  const resumes = storage.list("cursor").length > 0;
  const chat = new Chat({
    client,
    screen,
    calendar: localCalendar,
    wallMs: () => Date.now(),
    schedule: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    resumes,
    interactive,
    place:
      place !== undefined
        ? { id: place, name: place }
        : interactive
          ? reach.store.place(session)
          : undefined,
    ...(interactive
      ? {
          keepPlace: (where) =>
            reach.store.keepPlace(session, { id: refOf(where), name: where.name }),
        }
      : {}),
  });
  return { chat, client };
}

async function onTerminal(
  reach: Reach,
  place: string | undefined,
  invitation: string | undefined,
): Promise<number> {
  let chat: Chat | undefined;
  let leave = (): void => process.exit(EXIT.done);
  const screen = new Screen(realTty(), { line: (text) => chat?.line(text), leave: () => leave() });
  const giveBack = () => screen.close();
  process.once("exit", giveBack);
  try {
    const session = (await reach.session()) ?? (await signInDialogue(reach, screen, invitation));
    if (session === undefined) return EXIT.done;
    const opened = openChat(reach, session, screen, true, place);
    chat = opened.chat;
    const { client } = opened;
    leave = () => chat?.leave();
    for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"]) process.once(signal, leave);
    const server = session.servers[0] as string;
    screen.print(
      noticeLines(
        `you are ${session.account.name} at ${server}; /help helps, EXIT leaves`,
        screen.width,
      ),
    );
    chat.start();
    screen.begin();
    await chat.left;
    if (client.connection.state === "live") await within(LEAVE_MS, chat.emptied());
    await within(LEAVE_MS, chat.finish());
    const waiting = client.outbox.entries.length;
    screen.close();
    reach.keep({ client, session });
    await client.close();
    if (waiting > 0) err(`${waiting} message(s) wait on this device and go out with the next chat`);
    return EXIT.done;
  } finally {
    screen.close();
    process.off("exit", giveBack);
  }
}

async function betweenPipes(reach: Reach, place: string | undefined): Promise<number> {
  const session = await reach.session();
  if (session === undefined) {
    throw new HoldfastError("unauthorized", "not signed in: holdfast sign-in NAME first");
  }
  const screen: ChatScreen = {
    width: 100_000,
    print: (lines) => {
      for (const line of lines) writeAll(1, `${paint(line, "none")}\n`);
    },
    prompt: () => {},
    ask: () => Promise.resolve(undefined),
  };
  const { chat, client } = openChat(reach, session, screen, false, place);
  try {
    chat.start();
    await client.call("server.hello", {}, { deadlineMs: reach.timeoutMs }).catch((error) => {
      const why = client.connection.error?.message ?? (error as Error).message;
      throw new Unreachable(`no answer from ${session.servers.join(", ")}: ${why}`);
    });
    reach.keep({ client, session });
    const input = (async () => {
      await chat.ready;
      for await (const line of stdinLines(FRAME_BYTES_MAX)) {
        chat.line(line);
        await chat.idle();
      }
    })();
    await Promise.race([input, chat.left]);
    await within(
      LEAVE_PIPE_MS,
      chat.idle().then(() => chat.emptied()),
    );
    await within(LEAVE_MS, chat.finish());
    const left = client.outbox.entries;
    for (const { to, text } of left)
      err(`holdfast: it is not known whether this was sent to ${to}: ${text}`);
    if (left.length > 0) return EXIT.indefinite;
    return chat.failed ? EXIT.refused : EXIT.done;
  } finally {
    await client.close();
  }
}

async function within(ms: number, done: Promise<void>): Promise<void> {
  await Promise.race([done, Bun.sleep(ms)]);
}
