/** All channels that one may see, by name: how many are in, what it is about, join or open. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Channel } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { Alert, Spinner } from "../parts/notice.tsx";
import { useAction, useApp } from "../parts/use.ts";
import { closeDialog, openDialog } from "./dialogs.ts";
import { focusMain } from "./focus.ts";

const PAUSE_MS = 150;
const PAGE = 50;

type Page = {
  readonly channels: readonly Channel[];
  readonly next?: string;
};

export function BrowseChannels({ text, onClose }: { text: string; onClose: () => void }) {
  const [typed, setTyped] = useState(text);
  const { page, more, error, isBusy } = useChannels(typed);
  return (
    <Dialog
      title="Browse channels"
      onClose={onClose}
      wide
      actions={
        <Button kind="quiet" icon="plus" onClick={() => openDialog("new-channel")}>
          New channel
        </Button>
      }
    >
      <Field
        type="search"
        label="Find channels"
        hideLabel
        placeholder="Part of a name"
        leading={<Icon name="search" size={18} />}
        value={typed}
        autocapitalize="none"
        spellcheck={false}
        maxLength={62}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      {error !== undefined && <Alert kind="error">{error}</Alert>}
      {page === undefined && error === undefined && <Spinner label="Loading channels" />}
      {page !== undefined && <ChannelRows page={page} isFiltered={typed.trim() !== ""} />}
      {page?.next !== undefined && (
        <Button busy={isBusy} onClick={more}>
          Show more
        </Button>
      )}
    </Dialog>
  );
}

function ChannelRows({ page, isFiltered }: { page: Page; isFiltered: boolean }) {
  if (page.channels.length === 0) {
    return (
      <p class="finder-nothing" role="status">
        {isFiltered
          ? "No channel is called that. Private ones show only to those who are invited."
          : "There is no channel yet. Make the first one."}
      </p>
    );
  }
  return (
    <ul class="channels" aria-label="Channels">
      {page.channels.map((channel) => (
        <ChannelRow key={channel.id} channel={channel} onGone={closeDialog} />
      ))}
    </ul>
  );
}

/** One channel with what can be done with it. `onGone`: the page went to it. */
export function ChannelRow({ channel, onGone }: { channel: Channel; onGone?: () => void }) {
  const { channels, conversations, place } = useApp();
  const { id, name, topic, members, standing } = channel;
  const own = conversations.byId(id).value?.standing ?? standing;
  const isIn = own === "owner" || own === "member";
  const gone = () => {
    onGone?.();
    requestAnimationFrame(focusMain);
  };
  const { run, busy, error } = useAction(async () => {
    if (!isIn) await channels.join(id);
    await conversations.open(id);
    gone();
  });
  return (
    <li class="channel">
      <Avatar id={id} name={name} kind={channel.private ? "private" : "channel"} size={36} />
      <div class="channel-about">
        <p class="channel-name">
          <a href={place.href({ is: "conversation", id })} onClick={gone}>
            {name}
          </a>
          <span class="channel-members">{members === 1 ? "1 member" : `${members} members`}</span>
        </p>
        {topic !== "" && (
          <p class="channel-topic">
            <bdi>{topic}</bdi>
          </p>
        )}
        {error !== undefined && (
          <p class="field-error" role="alert">
            {error}
          </p>
        )}
      </div>
      <Button busy={busy} aria-label={`${isIn ? "Open" : "Join"} #${name}`} onClick={run}>
        {isIn ? "Open" : "Join"}
      </Button>
    </li>
  );
}

/** Pages of channels for what is typed; the newest question counts. */
function useChannels(typed: string) {
  const { client } = useApp();
  const [page, setPage] = useState<Page | undefined>(undefined);
  const match = wildcardOf(typed);
  const wanted = useRef(match);
  wanted.current = match;
  const asked = useRef<string | undefined>(undefined);
  const { run, busy, error } = useAction(async (before: Page | undefined) => {
    const from = before?.next === undefined ? {} : { after: before.next };
    asked.current = match;
    const answer = await client.call("channel.list", { match, limit: PAGE, ...from });
    if (wanted.current !== match) return;
    const channels = [...(before?.channels ?? []), ...answer.channels];
    setPage(answer.next === undefined ? { channels } : { channels, next: answer.next });
  });
  useEffect(() => {
    if (busy || asked.current === match) return;
    const timer = setTimeout(() => run(undefined), page === undefined ? 0 : PAUSE_MS);
    return () => clearTimeout(timer);
  }, [match, busy]);
  return { page, error, isBusy: busy, more: () => run(page) };
}

/** Plain text stands anywhere in a name; the server's names are in lower case. */
function wildcardOf(typed: string): string {
  const text = typed.trim().replace(/^#/, "");
  return /[*?]/.test(text) ? text : `*${text}*`;
}
