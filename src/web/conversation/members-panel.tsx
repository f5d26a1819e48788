/** Who is in a channel: who is here first, and what one may do about each. */
import { useState } from "preact/hooks";
import type { Member } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { Menu, type MenuItem } from "../parts/menu.tsx";
import { Retry, Spinner } from "../parts/notice.tsx";
import { useApp } from "../parts/use.ts";
import { type Deed, DeedDialog, deedsFor } from "../settings/channel-members.tsx";
import type { ConversationState } from "../state/conversations.ts";
import { InviteDialog } from "./invite-dialog.tsx";
import { groupsOf, matching } from "./member-groups.ts";
import { shownName, withoutDirections } from "./shown-name.ts";
import { SidePanel } from "./side-panel.tsx";

export type MembersPanelProps = { channel: ConversationState; onClose: () => void };

/** Fewer are seen at once. */
const FILTER_FROM = 8;

export function MembersPanel({ channel, onClose }: MembersPanelProps) {
  const app = useApp();
  const of = app.people.membersOf(channel.id);
  const [typed, setTyped] = useState("");
  const [deed, setDeed] = useState<Deed | undefined>(undefined);
  const [invites, setInvites] = useState(false);
  const all = of.members.value;
  const isIn = channel.standing === "owner" || channel.standing === "member";
  const mayChange = channel.standing === "owner" || (isIn && app.session.isAdmin.value);
  const me = app.session.account.value?.id;
  const actionsFor = (member: Member): MenuItem[] => [
    ...messageTo(member, me, (id) => void app.conversations.open(id).catch(() => {})),
    ...(mayChange ? deedsFor(member, me, setDeed) : []),
  ];
  const shown = matching(all, typed);
  return (
    <SidePanel title="Members" onClose={onClose}>
      {isIn && (
        <Button icon="plus" onClick={() => setInvites(true)}>
          Invite people
        </Button>
      )}
      {(all.length >= FILTER_FROM || of.more.value) && (
        <Field
          label="Find a member"
          hideLabel
          placeholder="Find a member"
          type="search"
          leading={<Icon name="search" size={18} />}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      )}
      {groupsOf(shown).map(({ title, label, members }) => (
        <section key={label} class="members">
          <h3>
            {title} <span class="members-count">{members.length}</span>
          </h3>
          <ul aria-label={label}>
            {members.map((member) => (
              <MemberRow key={member.id} member={member} actions={actionsFor(member)} />
            ))}
          </ul>
        </section>
      ))}
      {typed !== "" && shown.length === 0 && !of.loading.value && <p>Nobody of that name here.</p>}
      {of.error.value !== undefined && (
        <Retry error={of.error.value} onRetry={() => void of.reload()} />
      )}
      {of.loading.value && <Spinner label="Loading members" />}
      {of.more.value && !of.loading.value && (
        <Button onClick={() => void of.loadMore()}>Show more</Button>
      )}
      {deed !== undefined && (
        <DeedDialog channel={channel} deed={deed} onClose={() => setDeed(undefined)} />
      )}
      {invites && <InviteDialog channel={channel} onClose={() => setInvites(false)} />}
    </SidePanel>
  );
}

function messageTo(
  { id, standing }: Member,
  me: string | undefined,
  open: (id: string) => void,
): MenuItem[] {
  if (id === me || standing === "banned") return [];
  return [{ label: "Send a message", icon: "message", onSelect: () => open(id) }];
}

function MemberRow({ member, actions }: { member: Member; actions: readonly MenuItem[] }) {
  const { id, name, standing, online } = member;
  const shown = shownName(member);
  const isHere = standing === "owner" || standing === "member";
  const label = [
    withoutDirections(shown),
    standing === "member" ? "" : standing,
    isHere && online ? "online" : "",
  ];
  return (
    <li class="member" aria-label={label.filter(Boolean).join(", ")}>
      <Avatar id={id} name={shown} online={isHere ? online : undefined} size={28} />
      <span class="member-names">
        <bdi class="member-name">{shown}</bdi>
        {shown !== name && <span class="member-handle">@{name}</span>}
      </span>
      {standing === "owner" && (
        <span class="member-owner" title="Owner">
          <Icon name="crown" size={16} />
        </span>
      )}
      {actions.length > 0 && (
        <Menu label={`Actions for ${withoutDirections(shown)}`} items={actions} />
      )}
    </li>
  );
}
