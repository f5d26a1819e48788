/** The first use of the chat on a device: sign in, or make an account. */
import { HoldfastError, type Result } from "../client/index.ts";
import { PASSWORD_CHARACTERS_MIN } from "../core/limits.ts";
import { foldName } from "../core/names.ts";
import type { ChatScreen } from "./chat-screen.ts";
import { noticeLines } from "./format.ts";
import { type Reach, type Reached, sessionLabel } from "./reach.ts";
import type { KeptSession } from "./session-store.ts";

type Opened = Result<"session.open"> | Result<"account.create">;

/** `undefined` if the person left. Throws what no other answer can cure. */
export async function signInDialogue(
  reach: Reach,
  screen: ChatScreen,
  invitation?: string,
): Promise<KeptSession | undefined> {
  const reached = await reach.anybody();
  const { client, hello } = reached;
  const say = (text: string) => screen.print(noticeLines(text, screen.width));
  const closed = hello.signUp === "closed" && invitation === undefined;
  const question = closed ? "" : "Sign in (s) or create an account (c)? ";
  try {
    say(`server ${hello.server} at ${client.connection.server ?? client.servers[0]}`);
    for (;;) {
      const choice = question === "" ? "s" : await screen.ask(question);
      if (choice === undefined) return undefined;
      const wish = choice.trim().toLowerCase()[0];
      if (wish !== "s" && wish !== "c") continue;
      try {
        const opened = await (wish === "s" ? signIn : create)(
          reached,
          screen,
          say,
          reach.timeoutMs,
          invitation,
        );
        if (opened === undefined) return undefined;
        return await reach.remember(reached, opened);
      } catch (error) {
        // Another name or password may do; nothing cures a server that is gone.
        if (!(error instanceof HoldfastError) || client.connection.state !== "live") throw error;
        say(`${error.code}: ${error.message}`);
      }
    }
  } finally {
    await client.close();
  }
}

type Step = (
  reached: Reached,
  screen: ChatScreen,
  say: (text: string) => void,
  deadlineMs: number,
  invitation: string | undefined,
) => Promise<Opened | undefined>;

const signIn: Step = async ({ client }, screen, say, deadlineMs) => {
  const name = await askName(screen, say);
  if (name === undefined) return undefined;
  const password = await screen.ask("Password: ", true);
  if (password === undefined) return undefined;
  return client.call("session.open", { name, password, label: sessionLabel() }, { deadlineMs });
};

const create: Step = async ({ client, hello }, screen, say, deadlineMs, given) => {
  const name = await askName(screen, say);
  if (name === undefined) return undefined;
  const password = await askNewPassword(screen, say);
  if (password === undefined) return undefined;
  const asks = given === undefined && hello.signUp === "invitation";
  const code = asks ? await screen.ask("Invitation code: ") : (given ?? "");
  if (code === undefined) return undefined;
  const invitation = code.trim();
  const params = { name, password, label: sessionLabel(), ...(invitation ? { invitation } : {}) };
  return client.call("account.create", params, { deadlineMs });
};

async function askName(screen: ChatScreen, say: (text: string) => void) {
  for (;;) {
    const typed = await screen.ask("Name: ");
    if (typed === undefined) return undefined;
    const name = foldName(typed.trim().replace(/^@/, ""));
    if (name !== null) return name;
    say("a name is 1 to 32 of a to z, 0 to 9, and . _ - after the first");
  }
}

async function askNewPassword(screen: ChatScreen, say: (text: string) => void) {
  for (;;) {
    const password = await screen.ask("Password: ", true);
    if (password === undefined) return undefined;
    if (password.length < PASSWORD_CHARACTERS_MIN) {
      say(`a password has at least ${PASSWORD_CHARACTERS_MIN} characters`);
      continue;
    }
    const again = await screen.ask("Once more: ", true);
    if (again === undefined) return undefined;
    if (again === password) return password;
    say("these two are not the same");
  }
}
