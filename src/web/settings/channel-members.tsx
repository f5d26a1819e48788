/** Who is in a channel, and who is kept out of it, with what an owner does about it. */
import { useState } from "preact/hooks";
import type { Member } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Button } from "../parts/button.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { Menu, type MenuItem } from "../parts/menu.tsx";
import { Retry, Spinner } from "../parts/notice.tsx";
import { useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";
import { Section } from "./pane.tsx";

export type ChannelMembersProps = { channel: ConversationState; mayChange: boolean };

export type Deed = { readonly is: "owner" | "remove" | "ban" | "lift"; readonly member: Member };

export function ChannelMembers({ channel, mayChange }: ChannelMembersProps) {
  const app = useApp();
  const of = app.people.membersOf(channel.id);
  const [deed, setDeed] = useState<Deed | undefined>(undefined);
  const all = of.members.value;
  const banned = all.filter(({ standing }) => standing === "banned");
  const rest = all.filter(({ standing }) => standing !== "banned");
  const row = (member: Member) => (
    <MemberRow
      key={member.id}
      member={member}
      actions={mayChange ? deedsFor(member, app.session.account.value?.id, setDeed) : []}
    />
  );
  return (
    <Section title="Members">
      {of.error.value !== undefined && (
        <Retry error={of.error.value} onRetry={() => void of.reload()} />
      )}
      <ul class="rows" aria-label="Members">
        {rest.map(row)}
      </ul>
      {of.loading.value && <Spinner label="Loading members" />}
      {of.more.value && !of.loading.value && (
        <Button onClick={() => void of.loadMore()}>Show more</Button>
      )}
      {banned.length > 0 && (
        <>
          <h3>Banned</h3>
          <ul class="rows" aria-label="Banned">
            {banned.map(row)}
          </ul>
        </>
      )}
      {deed !== undefined && (
        <DeedDialog channel={channel} deed={deed} onClose={() => setDeed(undefined)} />
      )}
    </Section>
  );
}

const STANDINGS = { owner: "owner", member: "", invited: "invited", banned: "" } as const;

function MemberRow({ member, actions }: { member: Member; actions: readonly MenuItem[] }) {
  const { id, name, displayName, online, standing } = member;
  const shown = displayName || name;
  return (
    <li class="row">
      <Avatar id={id} name={shown} online={online} />
      <span class="row-text">
        <span>
          <bdi>{shown}</bdi>
          {STANDINGS[standing] !== "" && <span class="tag">{STANDINGS[standing]}</span>}
          {online && <span class="unseen">online</span>}
        </span>
        {displayName !== "" && <span class="quiet">@{name}</span>}
      </span>
      {actions.length > 0 && <Menu label={`Actions for ${shown}`} items={actions} />}
    </li>
  );
}

export function deedsFor(
  member: Member,
  me: string | undefined,
  act: (deed: Deed) => void,
): MenuItem[] {
  const item = (is: Deed["is"], label: string, danger = false): MenuItem => ({
    label,
    danger,
    onSelect: () => act({ is, member }),
  });
  if (member.id === me || member.standing === "owner") return [];
  if (member.standing === "banned") return [item("lift", "Lift the ban")];
  const leave = [
    item("remove", "Remove from channel", true),
    item("ban", "Ban from channel", true),
  ];
  return member.standing === "member" ? [item("owner", "Hand over ownership"), ...leave] : leave;
}

type DeedDialogProps = { channel: ConversationState; deed: Deed; onClose: () => void };

export function DeedDialog({ channel, deed, onClose }: DeedDialogProps) {
  const app = useApp();
  const { is, member } = deed;
  const shown = member.displayName || member.name;
  const { channels } = app;
  const words = {
    owner: {
      title: `Hand ${channel.handle} over to ${shown}?`,
      about: "They become the owner, and you an ordinary member.",
      confirm: "Hand over",
      act: () => channels.handOver(channel.id, member.id),
    },
    remove: {
      title: `Remove ${shown} from ${channel.handle}?`,
      about: channel.private === true ? "They can be invited again." : "They can join again.",
      confirm: "Remove",
      act: () => channels.remove(channel.id, member.id),
    },
    ban: {
      title: `Ban ${shown} from ${channel.handle}?`,
      about: "They can neither read the channel nor come back until you lift the ban.",
      confirm: "Ban",
      act: () => channels.ban(channel.id, member.id),
    },
    lift: {
      title: `Lift the ban of ${shown}?`,
      about: "They can come back as anybody can.",
      confirm: "Lift the ban",
      act: () => channels.ban(channel.id, member.id, true),
    },
  }[is];
  return (
    <Confirm
      title={words.title}
      confirm={words.confirm}
      danger={is === "remove" || is === "ban"}
      onConfirm={words.act}
      onClose={onClose}
    >
      <p>{words.about}</p>
    </Confirm>
  );
}
