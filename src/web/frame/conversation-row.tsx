/**
 * One conversation in the list: who or what, what was said last, and what is new. To screen readers it is
 * called by one line of words, and described by what was said last.
 */
import type { Message } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { classes } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { Time } from "../parts/time.tsx";
import { useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";
import { isPersonal, lastLine, rowName, rowTitle, unreadBadge } from "./row-words.ts";

export type RowProps = { conversation: ConversationState; isOpen: boolean };

export function ConversationRow({ conversation, isOpen }: RowProps) {
  const { place } = useApp();
  const { id, kind, title, unread, online, pending, last } = conversation;
  const channelKind = conversation.private === true ? "private" : "channel";
  const lineId = `line-${id}`;
  return (
    <li class={classes("convo", unread > 0 && "convo-unread")}>
      <a
        class="convo-link"
        href={place.href({ is: "conversation", id })}
        aria-describedby={lineId}
        aria-current={isOpen ? "page" : undefined}
        data-conversation={id}
      >
        <span class="unseen">{rowName(conversation)}</span>
        <Avatar
          id={conversation.account?.id ?? id}
          name={title}
          online={kind === "direct" ? online : undefined}
          size={40}
          kind={kind === "direct" ? "person" : channelKind}
        />
        <span class="convo-head" aria-hidden="true">
          <bdi class="convo-title">{rowTitle(conversation)}</bdi>
          {last !== undefined && <RowTime last={last} />}
        </span>
        <span class="convo-tail" aria-hidden="true">
          <RowLine id={lineId} conversation={conversation} />
          {pending > 0 && (
            <span class="convo-waiting" title={`${pending} waiting`}>
              <Icon name="clock" size={15} />
            </span>
          )}
          {unread > 0 && <Badge conversation={conversation} />}
        </span>
      </a>
    </li>
  );
}

function RowTime({ last }: { last: Message }) {
  return (
    <span class="convo-time">
      <Time ms={last.at} style="brief" />
    </span>
  );
}

function RowLine({ id, conversation }: { id: string; conversation: ConversationState }) {
  const { conversations, drafts, session } = useApp();
  const line = lastLine(conversation, {
    own: session.account.value?.id ?? "",
    draft: conversation.draft === true ? drafts.draft(conversation.id).value : "",
    isWhole: conversations.loaded.value,
  });
  return (
    <span id={id} class="convo-line" data-quiet={line.quiet} data-draft={line.lead === "Draft:"}>
      {line.lead !== undefined && <span class="convo-lead">{line.lead} </span>}
      <bdi>{line.text}</bdi>
    </span>
  );
}

function Badge({ conversation }: { conversation: ConversationState }) {
  const { session } = useApp();
  const personal = isPersonal(conversation, session.account.value?.name ?? "");
  return (
    <span class="convo-badge" data-personal={personal}>
      {unreadBadge(conversation.unread)}
    </span>
  );
}
