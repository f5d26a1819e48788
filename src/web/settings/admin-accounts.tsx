/** All accounts, by what is typed, and what an administrator may do with one. */
import { useEffect, useState } from "preact/hooks";
import { Avatar } from "../parts/avatar.tsx";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { Menu, type MenuItem } from "../parts/menu.tsx";
import { Retry, Spinner } from "../parts/notice.tsx";
import { Time } from "../parts/time.tsx";
import { useAction, useApp } from "../parts/use.ts";
import type { AdminAccount } from "../state/admin.ts";
import { type AccountDeed, AccountDialog } from "./admin-account-dialog.tsx";
import { Section } from "./pane.tsx";

const TYPING_MS = 200;

export function AdminAccounts() {
  const { admin } = useApp();
  const [match, setMatch] = useState("");
  const [found, setFound] = useState<readonly AdminAccount[] | undefined>(undefined);
  const [next, setNext] = useState<string | undefined>(undefined);
  const [deed, setDeed] = useState<AccountDeed | undefined>(undefined);
  const { run: load, error } = useAction(async () => {
    let wanted: string;
    let page: Awaited<ReturnType<typeof admin.accounts>>;
    do {
      wanted = latest.match;
      page = await admin.accounts(wanted);
    } while (wanted !== latest.match); // typed on meanwhile
    setFound(page.accounts);
    setNext(page.next);
  });
  const [latest] = useState({ match });
  latest.match = match;
  const more = useAction(async () => {
    const page = await admin.accounts(match, next);
    setFound((before) => [...(before ?? []), ...page.accounts]);
    setNext(page.next);
  });
  useEffect(() => {
    const timer = setTimeout(load, TYPING_MS);
    return () => clearTimeout(timer);
  }, [match]);
  return (
    <Section title="Accounts">
      <Field
        type="search"
        label="Find accounts"
        hideLabel
        placeholder="Part of a name, or one with * and ?"
        value={match}
        onInput={(event) => setMatch(event.currentTarget.value)}
      />
      {error !== undefined && <Retry error={error} onRetry={load} />}
      {found === undefined && error === undefined && <Spinner label="Loading accounts" />}
      {found?.length === 0 && <p class="quiet">No account matches “{match}”.</p>}
      <ul class="rows" aria-label="Accounts">
        {found?.map((account) => (
          <AccountRow key={account.id} account={account} onDeed={setDeed} />
        ))}
      </ul>
      {next !== undefined && (
        <Button busy={more.busy} onClick={more.run}>
          Show more
        </Button>
      )}
      {more.error !== undefined && <Retry error={more.error} onRetry={more.run} />}
      {deed !== undefined && (
        <AccountDialog deed={deed} onClose={() => setDeed(undefined)} onDone={load} />
      )}
    </Section>
  );
}

type RowProps = { account: AdminAccount; onDeed: (deed: AccountDeed) => void };

function AccountRow({ account, onDeed }: RowProps) {
  const { id, name, displayName, online } = account;
  return (
    <li class="row">
      <Avatar id={id} name={displayName || name} online={online} />
      <span class="row-text">
        <span>
          @{name}
          {displayName !== "" && (
            <>
              {" "}
              <bdi class="quiet">{displayName}</bdi>
            </>
          )}
          {account.admin && <span class="tag">administrator</span>}
          {account.disabled && <span class="tag tag-warn">disabled</span>}
        </span>
        <span class="quiet">
          since <Time ms={account.createdAt} style="ago" />,{" "}
          {account.sessions === 1 ? "1 session" : `${account.sessions} sessions`}
        </span>
      </span>
      <Menu label={`Actions for @${name}`} items={actionsFor(account, onDeed)} />
    </li>
  );
}

function actionsFor(account: AdminAccount, onDeed: RowProps["onDeed"]): MenuItem[] {
  const item = (is: AccountDeed["is"], label: string, danger = false): MenuItem => ({
    label,
    danger,
    onSelect: () => onDeed({ is, account }),
  });
  return [
    account.admin
      ? item("revoke", "Take administrator's rights")
      : item("grant", "Make administrator"),
    item("password", "Set a new password"),
    item("sessions", "Sessions"),
    "line",
    account.disabled ? item("enable", "Enable account") : item("disable", "Disable account", true),
  ];
}
