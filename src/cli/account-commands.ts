/** `holdfast sign-in`, `sign-out`, `account ...` and `session ...`. */
import type { Command } from "commander";
import type { Result } from "../client/index.ts";
import { LIST_PAGE_MAX } from "../core/limits.ts";
import { foldName } from "../core/names.ts";
import {
  define,
  numberArg,
  outJson,
  outLines,
  passwordOptions,
  passwords,
  receiptText,
  truly,
  width,
  withSession,
} from "./command.ts";
import { UsageError } from "./exit.ts";
import { dayKey, localCalendar, tableLines, timeText } from "./format.ts";
import { ask, err, out, stdinIsTerminal } from "./io.ts";
import { type PageOptions, pages } from "./list-pages.ts";
import { printable } from "./printable.ts";
import { sessionLabel } from "./reach.ts";
import { DELETION } from "./verbs-account.ts";

type Secret = { passwordStdin?: boolean };

function nameArg(text: string | undefined): string {
  const name = foldName((text ?? "").replace(/^@/, ""));
  if (name !== null) return name;
  throw new UsageError(
    `${printable(text ?? "")} is no name: a to z, 0 to 9, and . _ - after the first, at most 32`,
  );
}

/** The token is a secret: no output holds it. */
function withoutToken<T extends { token: string }>({ token: _, ...rest }: T): Omit<T, "token"> {
  return rest;
}

export function registerAccountCommands(program: Command): void {
  define<Secret>(
    passwordOptions(program.command("sign-in <name>").description("sign in and remember it")),
    async ({ reach, options, args }) => {
      const name = nameArg(args[0]);
      const [password = ""] = await passwords(options, ["Password"], false);
      const reached = await reach.anybody();
      try {
        const deadlineMs = reach.timeoutMs;
        const params = { name, password, label: sessionLabel() };
        const opened = await reached.client.call("session.open", params, { deadlineMs });
        const session = await reach.remember(reached, opened);
        if (options.json) outJson(withoutToken(opened));
        else out(`signed in as ${session.account.name} at ${session.servers[0]}`);
      } catch (error) {
        throw truly(reached.client, error);
      } finally {
        await reached.client.close();
      }
    },
  );

  define(
    program.command("sign-out").description("end this device's session and forget it"),
    async ({ reach, options }) => {
      await withSession(reach, async ({ client, account }) => {
        await client.signOut();
        if (options.json) outJson({});
        else out(`${printable(account.name)} is signed out here`);
      });
    },
  );

  const account = program.command("account").description("accounts: make, list, change, delete");
  registerCreate(account);
  registerList(account);
  registerChanges(account);
  registerDelete(account);
  registerSessions(program.command("session").description("where you are signed in"));
}

function registerCreate(account: Command): void {
  type Options = Secret & { displayName?: string; invitation?: string; signIn: boolean };
  const command = account
    .command("create <name>")
    .description("make an account and sign in as it")
    .option("--display-name <text>", "a name to show beside it")
    .option("--invitation <code>", "the code, where sign-up asks for one, or of the set-up")
    .option("--no-sign-in", "keep being signed in as who you are");
  define<Options>(passwordOptions(command), async ({ reach, options, args }) => {
    const name = nameArg(args[0]);
    const [password = ""] = await passwords(options, ["Password"], true);
    const reached = await reach.anybody();
    const { client } = reached;
    try {
      const { displayName, invitation } = options;
      const params = {
        name,
        password,
        label: sessionLabel(),
        ...(displayName === undefined ? {} : { displayName }),
        ...(invitation === undefined ? {} : { invitation }),
      };
      const made = await client.call("account.create", params, { deadlineMs: reach.timeoutMs });
      if (options.signIn) await reach.remember(reached, made);
      else await client.signOut();
      if (options.json) outJson(withoutToken(made));
      else {
        const how = options.signIn ? ", signed in" : "";
        out(`${printable(made.account.name)} is made${how}; ${receiptText(made.receipt)}`);
      }
    } catch (error) {
      throw truly(client, error);
    } finally {
      await client.close();
    }
  });
}

function registerList(account: Command): void {
  const command = account
    .command("list [wildcard]")
    .description("accounts by wildcard (* any run of characters, ? one), sorted by name")
    .option("--limit <n>", "one page of at most so many")
    .option("--after <name>", "from behind this name");
  define<PageOptions>(command, async ({ reach, options, args }) => {
    const limit = numberArg(options.limit, "--limit", LIST_PAGE_MAX);
    const match = args[0] ?? "*";
    await withSession(reach, async ({ client, callMs: deadlineMs }) => {
      const page = await pages<Result<"account.list">>(
        (params) => client.call("account.list", { match, ...params }, { deadlineMs }),
        "accounts",
        { limit, after: options.after },
      );
      if (options.json) return outJson(page);
      const rows = page.accounts.map(({ name, displayName, online }) => [
        name,
        online ? "online" : "",
        displayName,
      ]);
      outLines(tableLines(rows, width()));
      if (page.next !== undefined) err(`holdfast: more with --after '${printable(page.next)}'`);
    });
  });
}

function registerChanges(account: Command): void {
  define(
    account.command("rename <name>").description("change your name; the old one becomes free"),
    async ({ reach, options, args }) => {
      const name = nameArg(args[0]);
      await withSession(reach, async ({ client, callMs: deadlineMs }) => {
        const renamed = await client.call("account.rename", { name }, { deadlineMs });
        if (options.json) outJson(renamed);
        else out(`you are ${printable(renamed.account.name)} now; ${receiptText(renamed.receipt)}`);
      });
      // What is remembered of the session keeps up by itself: see Reach.keep.
    },
  );

  define(
    account.command("display-name [text]").description("change the name shown beside your name"),
    async ({ reach, options, args }) => {
      await withSession(reach, async ({ client, callMs: deadlineMs }) => {
        const displayName = args[0] ?? "";
        const updated = await client.call("account.update", { displayName }, { deadlineMs });
        if (options.json) outJson(updated);
        else out(receiptText(updated.receipt));
      });
    },
  );

  const password = account
    .command("password")
    .description(
      "change your password and end your other sessions; --password-stdin and the environment " +
        "(HOLDFAST_NEW_PASSWORD) give the present one first, then the new one",
    );
  define<Secret>(passwordOptions(password), async ({ reach, options }) => {
    const questions = ["Present password", "New password"];
    const [present = "", newPassword = ""] = await passwords(options, questions, true);
    await withSession(reach, async ({ client, callMs: deadlineMs }) => {
      const params = { password: present, newPassword };
      const done = await client.call("account.password", params, { deadlineMs });
      if (options.json) outJson(done);
      else out(`your password is changed; ${receiptText(done.receipt)}`);
    });
  });
}

function registerDelete(account: Command): void {
  type Options = Secret & { erase?: boolean; yes?: boolean };
  const command = account
    .command("delete")
    .description("delete your account; says what follows and asks, unless --yes")
    .option("--erase", "also erase the text of all your messages from every disk")
    .option("--yes", "do not ask");
  define<Options>(passwordOptions(command), async ({ reach, options }) => {
    if (!options.yes && !stdinIsTerminal()) {
      throw new UsageError("there is no terminal to ask on: --yes says that it is meant");
    }
    await withSession(reach, async ({ client, account: { name }, callMs: deadlineMs }) => {
      if (!options.yes) {
        for (const line of DELETION) err(line);
        const typed = await ask(`Type ${name} to delete it: `, false);
        if (typed.trim() !== name) throw new UsageError("nothing was deleted");
      }
      const [password = ""] = await passwords(options, ["Password"], false);
      const params = { password, ...(options.erase ? { erase: true } : {}) };
      const done = await client.call("account.delete", params, { deadlineMs });
      if (options.json) outJson(done);
      else out(`the account ${printable(name)} is deleted; ${receiptText(done.receipt)}`);
    });
  });
}

function registerSessions(session: Command): void {
  define(session.command("list").description("your sessions"), async ({ reach, options }) => {
    await withSession(reach, async ({ client, callMs: deadlineMs }) => {
      const page = await client.call("session.list", {}, { deadlineMs });
      if (options.json) return outJson(page);
      const rows = page.sessions.map(({ id, label, openedAt, current }) => {
        const moment = localCalendar(openedAt);
        const since = `${dayKey(moment)} ${timeText(moment)}`;
        return [id, since, current ? "this one" : "", label];
      });
      outLines(tableLines(rows, width()));
    });
  });

  const revoke = session
    .command("revoke [session]")
    .description("end a session by its id, or with --others all but this one")
    .option("--others", "all but this one");
  define<{ others?: boolean }>(revoke, async ({ reach, options, args }) => {
    if ((args[0] === undefined) !== (options.others === true)) {
      throw new UsageError("name one session by its id, or --others");
    }
    await withSession(reach, async ({ client, callMs: deadlineMs }) => {
      const { sessions } = await client.call("session.list", {}, { deadlineMs });
      const others = sessions.filter(({ current }) => !current).map(({ id }) => id);
      for (const id of args[0] === undefined ? others : [args[0]]) {
        const done = await client.call("session.revoke", { session: id }, { deadlineMs });
        if (options.json) outJson(done);
        else out(`${printable(id)} is over; ${receiptText(done.receipt)}`);
      }
    });
  });
}
