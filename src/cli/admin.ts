/**
 * `holdfast admin`: what the person who runs the server does, on its own machine and without an account.
 *
 * It talks to the running server like any client, with a token that only who can read the data directory
 * can make. Rejected: writing to the store behind the server's back (it has one writer), an admin password
 * (one more secret to lose).
 */
import type { Command } from "commander";
import { PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN } from "../core/limits.ts";
import type { Result } from "../protocol/methods.ts";
import { UsageError } from "./exit.ts";
import { ask, readStdin, stdinIsTerminal } from "./io.ts";
import { type Call, operate, operatorOptions } from "./operate.ts";
import { printable } from "./printable.ts";

const PASSWORD_INPUT_BYTES_MAX = 4 * (PASSWORD_CHARACTERS_MAX + 2);
const DAY_MS = 24 * 60 * 60 * 1000;
const LIST_PAGE = 500;

const newId = () => Bun.randomUUIDv7();

/** `bob`, `@bob` and an account id all name an account. */
function reference(name: string): string {
  return name.startsWith("@") || name.startsWith("a_") ? name : `@${name}`;
}

/** Typed twice without echo, or the first line of standard input. */
async function newPassword(): Promise<string> {
  if (!stdinIsTerminal()) {
    return checkedPassword((await readStdin(PASSWORD_INPUT_BYTES_MAX)).split(/\r?\n/)[0] as string);
  }
  const password = checkedPassword(await ask("New password: ", true));
  if ((await ask("Once more: ", true)) !== password)
    throw new UsageError("the two are not the same");
  return password;
}

function checkedPassword(password: string): string {
  const { length } = [...password];
  if (length >= PASSWORD_CHARACTERS_MIN && length <= PASSWORD_CHARACTERS_MAX) return password;
  const bounds = `${PASSWORD_CHARACTERS_MIN} to ${PASSWORD_CHARACTERS_MAX}`;
  throw new UsageError(`a password has ${bounds} characters`);
}

function whole(text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${JSON.stringify(text)}: expected a whole number, ${min} to ${max}`);
}

type Listed = Result<"admin.list">["accounts"][number];

async function listAll(call: Call, match: string | undefined): Promise<Listed[]> {
  const accounts: Listed[] = [];
  let after: string | undefined;
  do {
    const page = await call("admin.list", {
      limit: LIST_PAGE,
      ...(match === undefined ? {} : { match }),
      ...(after === undefined ? {} : { after }),
    });
    accounts.push(...page.accounts);
    after = page.next;
  } while (after !== undefined);
  return accounts;
}

function accountLine({ name, admin, disabled, online, sessions, displayName }: Listed): string {
  const marks = [
    admin ? "admin" : "",
    disabled ? "disabled" : "",
    online ? "online" : "",
    `${sessions} ${sessions === 1 ? "session" : "sessions"}`,
    displayName === "" ? "" : JSON.stringify(displayName),
  ];
  return printable(`${name}  ${marks.filter((mark) => mark !== "").join(", ")}`);
}

type AccountMethod = "admin.grant" | "admin.revoke";

function registerAccountCommands(admin: Command): void {
  const simple = (name: string, help: string, method: AccountMethod, done: string) =>
    admin
      .command(`${name} <account>`)
      .description(help)
      .action((account: string, _options, command: Command) =>
        operate(command, async (call) => {
          const json = await call(method, { account: reference(account), id: newId() });
          return { json, text: `${account} ${done}` };
        }),
      );
  simple("grant", "make an account an admin of the chat", "admin.grant", "is an admin now");
  simple("revoke", "take the admin right away", "admin.revoke", "is no admin now");
  const disabling = (name: string, help: string, disabled: boolean, done: string) =>
    admin
      .command(`${name} <account>`)
      .description(help)
      .action((account: string, _options, command: Command) =>
        operate(command, async (call) => {
          const params = { account: reference(account), disabled, id: newId() };
          return { json: await call("admin.disable", params), text: `${account} ${done}` };
        }),
      );
  disabling(
    "disable",
    "end an account's sessions and let it sign in no more",
    true,
    "is disabled now",
  );
  disabling("enable", "let a disabled account sign in again", false, "is enabled now");
  admin
    .command("password <account>")
    .description("set an account's password and end its sessions; asks, or reads standard input")
    .action((account: string, _options, command: Command) =>
      operate(command, async (call) => {
        const params = { account: reference(account), password: await newPassword(), id: newId() };
        const text = `${account} has the new password; its sessions have ended`;
        return { json: await call("admin.password", params), text };
      }),
    );
  admin
    .command("list [pattern]")
    .description("accounts by wildcard (* and ?), with what only admins see")
    .action((pattern: string | undefined, _options, command: Command) =>
      operate(command, async (call) => {
        const accounts = await listAll(call, pattern);
        const text = accounts.map(accountLine).join("\n");
        return { json: { accounts }, text: text === "" ? "no accounts" : text };
      }),
    );
}

function registerInvitationCommands(admin: Command): void {
  const invitation = admin
    .command("invitation")
    .description("codes with which accounts can be made");
  invitation
    .command("create", { isDefault: true })
    .description("make a code")
    .option("--uses <N>", "accounts it may make", "1")
    .option("--days <N>", "days for which it is good", "7")
    .action((options: { uses: string; days: string }, command: Command) =>
      operate(command, async (call) => {
        const uses = whole(options.uses, 1, 10_000);
        const expiresInMs = whole(options.days, 1, 365) * DAY_MS;
        const json = await call("invitation.create", { uses, expiresInMs, id: newId() });
        return { json, text: json.code };
      }),
    );
  invitation
    .command("list")
    .description("codes that can still be used; the codes themselves are not kept")
    .action((_options, command: Command) =>
      operate(command, async (call) => {
        const { invitations } = await call("invitation.list", {});
        const lines = invitations.map(
          ({ id, uses, expiresAt }) =>
            `${id}  ${uses} left, until ${new Date(expiresAt).toISOString().slice(0, 16)}Z`,
        );
        const text = lines.length === 0 ? "no invitations" : lines.join("\n");
        return { json: { invitations }, text };
      }),
    );
  invitation
    .command("revoke <id>")
    .description("make a code unusable")
    .action((id: string, _options, command: Command) =>
      operate(command, async (call) => {
        const json = await call("invitation.revoke", { invitation: id, id: newId() });
        return { json, text: "revoked" };
      }),
    );
}

export function registerAdminCommands(program: Command): void {
  const admin = operatorOptions(
    program.command("admin").description("administer a server on its own machine"),
  );
  registerAccountCommands(admin);
  registerInvitationCommands(admin);
  admin
    .command("sign-up [policy]")
    .description("show or set who may make an account: open, invitation, closed")
    .action((policy: string | undefined, _options, command: Command) =>
      operate(command, async (call) => {
        if (policy === undefined) {
          const { signUp } = await call("setting.read", {});
          return { json: { signUp }, text: signUp };
        }
        const signUp = (["open", "invitation", "closed"] as const).find(
          (known) => known === policy,
        );
        if (signUp === undefined) throw new UsageError("expected open, invitation or closed");
        const json = await call("setting.update", { signUp, id: newId() });
        return { json, text: `sign-up is ${json.signUp} now` };
      }),
    );
}
