/** The tree of a message's text, drawn. Text stays text: nothing in it is ever taken for HTML. */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { classes, IconButton } from "../parts/button.tsx";
import { useApp } from "../parts/use.ts";
import { textOf } from "../state/errors.ts";
import { copyText } from "./copy-text.ts";
import { type Block, type Inline, isEmojiOnly, type ListItem, parseMarkdown } from "./markdown.ts";

/** How its links and buttons are reached: by Tab only in the message that the arrow keys are at. */
type Reach = { readonly tabIndex: 0 | -1; readonly me: string | undefined };

export type MessageTextProps = {
  id: string;
  text: string;
  /** The own name: mentions of it stand out. */
  me: string | undefined;
  isActive: boolean;
  /** Stands behind the text, in its last line if it can. */
  tags: ComponentChildren;
};

export function MessageText({ id, text, me, isActive, tags }: MessageTextProps) {
  const blocks = useMemo(() => parseMarkdown(text), [text]);
  const isEmoji = useMemo(() => isEmojiOnly(text), [text]);
  const reach: Reach = { tabIndex: isActive ? 0 : -1, me };
  return (
    <div id={id} class={classes("msg-text", isEmoji && "msg-text-emoji")}>
      {blocks.map((block, i) =>
        block.is === "paragraph" && i === blocks.length - 1 ? (
          <p key={i} dir="auto">
            {drawInlines(block.inlines, reach)}
            {tags}
          </p>
        ) : (
          drawBlock(block, i, reach)
        ),
      )}
      {blocks.at(-1)?.is !== "paragraph" && tags}
    </div>
  );
}

function drawBlock(block: Block, key: number, reach: Reach): ComponentChildren {
  switch (block.is) {
    case "paragraph":
      return (
        <p key={key} dir="auto">
          {drawInlines(block.inlines, reach)}
        </p>
      );
    case "quote":
      return (
        <blockquote key={key} dir="auto">
          {block.blocks.map((inner, i) => drawBlock(inner, i, reach))}
        </blockquote>
      );
    case "list":
      return drawList(block.items, key, reach);
    case "code":
      return <CodeBlock key={key} {...block} tabIndex={reach.tabIndex} />;
  }
}

/** Numbers are text, so that they are as they were typed and copied with the rest. */
function drawList(items: readonly ListItem[], key: number, reach: Reach): ComponentChildren {
  return (
    <ul key={key} class="msg-list">
      {items.map(({ number, level, inlines }, i) => (
        <li key={i} class={`msg-item msg-item-${level}`}>
          <span class="msg-bullet">{number === undefined ? "•" : `${number}.`}</span>
          <span dir="auto">{drawInlines(inlines, reach)}</span>
        </li>
      ))}
    </ul>
  );
}

const STYLES = { strong: "strong", emphasis: "em", strike: "s" } as const;

function drawInlines(inlines: readonly Inline[], reach: Reach): ComponentChildren {
  return inlines.map((inline, i) => drawInline(inline, i, reach));
}

function drawInline(inline: Inline, key: number, reach: Reach): ComponentChildren {
  switch (inline.is) {
    case "text":
      return withVisible(inline.text, OVERRIDES);
    case "code":
      return (
        <code key={key} dir="ltr">
          {withVisible(inline.text, DIRECTIONS)}
        </code>
      );
    case "link":
      return (
        <a
          key={key}
          href={inline.url}
          title={inline.url}
          target="_blank"
          rel="noopener noreferrer nofollow"
          dir="ltr"
          tabIndex={reach.tabIndex}
        >
          {inline.text}
        </a>
      );
    case "person":
    case "channel":
      return <Mention key={key} is={inline.is} name={inline.name} reach={reach} />;
    case "strong":
    case "emphasis":
    case "strike": {
      const Tag = STYLES[inline.is];
      return <Tag key={key}>{drawInlines(inline.inlines, reach)}</Tag>;
    }
  }
}

type MentionProps = { is: "person" | "channel"; name: string; reach: Reach };

function Mention({ is, name, reach }: MentionProps) {
  const { conversations, alerts } = useApp();
  const handle = (is === "person" ? "@" : "#") + name.toLowerCase();
  const isMe = is === "person" && name.toLowerCase() === reach.me;
  return (
    <a
      class={classes("mention", isMe && "mention-me")}
      href={`#/${handle}`}
      dir="ltr"
      tabIndex={reach.tabIndex}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        // Not by the address: if there is no such thing one stays here.
        event.preventDefault();
        const text = `There is no ${handle} here, or none that you may see.`;
        conversations.open(handle).catch((error: { code?: string }) => {
          alerts.show({ kind: "warn", text: error.code === "not_found" ? text : textOf(error) });
        });
      }}
    >
      {(is === "person" ? "@" : "#") + name}
    </a>
  );
}

type CodeBlockProps = { language: string; text: string; tabIndex: 0 | -1 };

function CodeBlock({ language, text, tabIndex }: CodeBlockProps) {
  const { alerts } = useApp();
  const copy = async () => {
    const done = await copyText(text);
    if (done) alerts.show({ kind: "good", text: "Code copied" });
    else alerts.show({ kind: "error", text: "The browser does not let this page copy" });
  };
  return (
    <div class="code-block">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      {/* biome-ignore lint/a11y/useSemanticElements: it is no part of a form */}
      <pre dir="ltr" tabIndex={0} role="group" aria-label={`Code${language && `, ${language}`}`}>
        <code>{withVisible(text, DIRECTIONS)}</code>
      </pre>
      <IconButton
        icon="copy"
        label="Copy code"
        size={16}
        tabIndex={tabIndex}
        onClick={() => void copy()}
      />
    </div>
  );
}

/** Unseen, and what follows is shown backwards: nobody needs them to write, and `exe.gpj` is to be seen as it is. */
const OVERRIDES = /([\u202d\u202e])/;
/** In code every one that moves what follows makes it look like other code. */
const DIRECTIONS = /([\u202a-\u202e\u2066-\u2069])/;

/** The text, with the characters that `hidden` finds shown by their number in their place. */
function withVisible(text: string, hidden: RegExp): ComponentChildren {
  const parts = text.split(hidden);
  if (parts.length === 1) return text;
  return parts.map((part, i) =>
    i % 2 === 0 ? (
      part
    ) : (
      <span key={i} class="unseen-character">
        {`U+${part.charCodeAt(0).toString(16).toUpperCase()}`}
      </span>
    ),
  );
}
