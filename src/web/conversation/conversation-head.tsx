/** What stands above a conversation: what it is, who is here, and what can be done with it as a whole. */
import { useState } from "preact/hooks";
import { BackToConversations } from "../frame/back.tsx";
import { Avatar } from "../parts/avatar.tsx";
import { IconButton } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { Menu, type MenuItem } from "../parts/menu.tsx";
import { useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";
import { LeaveDialog } from "./leave-dialog.tsx";
import { withoutDirections } from "./shown-name.ts";

export type Side = "members" | "details";

export type ConversationHeadProps = {
  conversation: ConversationState;
  side: Side | undefined;
  onSide: (side: Side | undefined) => void;
  /** Before one leaves, so that being gone is no surprise. */
  onLeave: () => void;
};

export function ConversationHead({ conversation, side, onSide, onLeave }: ConversationHeadProps) {
  const app = useApp();
  const [leaves, setLeaves] = useState(false);
  const { id, kind, title, handle, account } = conversation;
  const isChannel = kind === "channel";
  const toggle = (which: Side) => onSide(side === which ? undefined : which);
  const items = itemsFor(
    conversation,
    app,
    () => toggle("details"),
    () => setLeaves(true),
  );
  const search = `Search in ${handle}`;
  return (
    <header class="talk-head">
      <BackToConversations />
      <Avatar
        id={account?.id ?? id}
        name={title}
        kind={isChannel ? (conversation.private === true ? "private" : "channel") : "person"}
        online={isChannel || account?.deleted === true ? undefined : conversation.online}
        size={36}
      />
      <div class="talk-names">
        <h1 tabIndex={-1} title={withoutDirections(title)}>
          <bdi>{title}</bdi>
        </h1>
        <About
          conversation={conversation}
          isOpen={side === "details"}
          onPress={() => toggle("details")}
        />
      </div>
      <div class="talk-actions">
        {isChannel && (
          <button
            type="button"
            class="icon-button talk-members"
            aria-label="Members"
            aria-expanded={side === "members"}
            title={countOf(conversation)}
            data-count={conversation.members}
            onClick={() => toggle("members")}
          >
            <Icon name="people" />
          </button>
        )}
        <IconButton
          class="talk-search"
          icon="search"
          label={search}
          onClick={() => app.place.go({ is: "search", text: "", in: id })}
        />
        <Menu label="Conversation menu" items={items} />
      </div>
      {leaves && (
        <LeaveDialog
          channel={conversation}
          onLeave={onLeave}
          onHandOver={() => {
            setLeaves(false);
            onSide("members");
          }}
          onClose={() => setLeaves(false)}
        />
      )}
    </header>
  );
}

function countOf({ members }: ConversationState): string {
  if (members === undefined) return "Members";
  return members === 1 ? "1 member" : `${members} members`;
}

type AboutProps = { conversation: ConversationState; isOpen: boolean; onPress: () => void };

/** One line; all of it on hover, and in the details. */
function About({ conversation, isOpen, onPress }: AboutProps) {
  const text = aboutOf(conversation);
  return (
    <button
      type="button"
      class="talk-about"
      title={withoutDirections(text)}
      aria-expanded={isOpen}
      onClick={onPress}
    >
      <bdi>{text}</bdi>
    </button>
  );
}

function aboutOf(conversation: ConversationState): string {
  const { kind, topic, account, online, handle, self } = conversation;
  if (kind === "channel") {
    return topic || (conversation.private === true ? "Private channel" : "Public channel");
  }
  if (self === true) return "Notes to yourself";
  if (account?.deleted === true) return "This account was deleted";
  if (online === undefined) return handle;
  return `${online ? "online" : "offline"} · ${handle}`;
}

function itemsFor(
  { id, kind, handle, standing, unread, last }: ConversationState,
  { place, conversations }: ReturnType<typeof useApp>,
  onDetails: () => void,
  onLeave: () => void,
): MenuItem[] {
  const items: MenuItem[] = [
    {
      label: `Search in ${handle}`,
      icon: "search",
      onSelect: () => place.go({ is: "search", text: "", in: id }),
    },
    { label: "Details", icon: "info", onSelect: onDetails },
  ];
  if (unread > 0 && last !== undefined) {
    const onSelect = () => conversations.markRead(id, last.position);
    items.push({ label: "Mark as read", icon: "check", onSelect });
  }
  if (kind !== "channel" || standing === undefined || standing === "invited") return items;
  const onSelect = () => place.go({ is: "channel-settings", id });
  items.push({ label: "Channel settings", icon: "settings", onSelect }, "line");
  items.push({ label: "Leave channel", icon: "out", danger: true, onSelect: onLeave });
  return items;
}
