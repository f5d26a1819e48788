/** What a conversation is: its topic whole, who may read it, and where to change it. */
import type { ComponentChildren } from "preact";
import { Avatar } from "../parts/avatar.tsx";
import { useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";
import { SidePanel } from "./side-panel.tsx";

export type DetailsPanelProps = { conversation: ConversationState; onClose: () => void };

export function DetailsPanel({ conversation, onClose }: DetailsPanelProps) {
  return (
    <SidePanel title="Details" onClose={onClose}>
      {conversation.kind === "channel" ? (
        <ChannelDetails channel={conversation} />
      ) : (
        <PersonDetails conversation={conversation} />
      )}
    </SidePanel>
  );
}

function ChannelDetails({ channel }: { channel: ConversationState }) {
  const { place } = useApp();
  const { id, handle, topic, members, standing } = channel;
  const isOwner = standing === "owner";
  return (
    <>
      <dl class="details">
        <Detail label="Name">{handle}</Detail>
        <Detail label="Topic">
          {topic ? <bdi>{topic}</bdi> : <span class="side-quiet">None yet</span>}
        </Detail>
        <Detail label="Who may read it">
          {channel.private === true
            ? "Its members. One joins by invitation."
            : "Everybody with an account here. Anybody may join."}
        </Detail>
        {members !== undefined && (
          <Detail label="Members">
            <a href={place.href({ is: "conversation", id, side: "members" })}>
              {members === 1 ? "1 person" : `${members} people`}
            </a>
          </Detail>
        )}
        <Detail label="You are">{STANDINGS[standing ?? "none"]}</Detail>
      </dl>
      {isOwner && (
        <a class="button" href={place.href({ is: "channel-settings", id })}>
          Channel settings
        </a>
      )}
    </>
  );
}

const STANDINGS = {
  owner: "its owner",
  member: "a member",
  invited: "invited",
  none: "only looking: you have not joined",
} as const;

function PersonDetails({ conversation }: { conversation: ConversationState }) {
  const { account, title, handle, online, self } = conversation;
  return (
    <>
      <Avatar id={account?.id ?? conversation.id} name={title} online={online} size={72} />
      <dl class="details">
        <Detail label="Display name">
          <bdi>{title}</bdi>
        </Detail>
        <Detail label="Name">{handle}</Detail>
        {account?.deleted !== true && self !== true && online !== undefined && (
          <Detail label="Now">{online ? "online" : "offline"}</Detail>
        )}
        <Detail label="Who may read this">
          {self === true ? "Only you." : "Only the two of you."}
        </Detail>
      </dl>
    </>
  );
}

function Detail({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd dir="auto">{children}</dd>
    </div>
  );
}
