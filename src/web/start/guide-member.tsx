/** The steps of everybody: a channel, a person, and how one hears of what is new. */
import { useEffect, useState } from "preact/hooks";
import type { Channel } from "../../client/index.ts";
import { ChannelRow } from "../frame/browse-channels.tsx";
import { openDialog } from "../frame/dialogs.ts";
import { Button } from "../parts/button.tsx";
import { Retry, Spinner } from "../parts/notice.tsx";
import { useAction, useApp } from "../parts/use.ts";
import { Step } from "./step.tsx";

const CHANNELS_SHOWN_MAX = 5;
/** Some of those that are listed are joined already and left out. */
const CHANNELS_ASKED = 30;

export function MemberSteps() {
  const { conversations, preferences } = useApp();
  const own = conversations.list.value.filter(({ standing }) => standing !== "invited");
  const permission = preferences.permission();
  return (
    <>
      <Step
        number={1}
        title="Join a channel"
        isDone={own.some(({ kind }) => kind === "channel")}
        about="A channel is where people talk about one thing. Join as many as you like; leaving is as easy."
      >
        <JoinChannel />
      </Step>
      <Step
        number={2}
        title="Say hello to somebody"
        isDone={own.some(({ kind }) => kind === "direct")}
        about="Type a part of a name. What you write to one person only the two of you can read."
      >
        <div class="step-buttons">
          <Button icon="people" onClick={() => openDialog("finder")}>
            Find people
          </Button>
        </div>
      </Step>
      <Step
        number={3}
        title="Hear of new messages"
        isDone={preferences.notifications.value.browser && permission === "granted"}
        about={
          permission === "unsupported"
            ? "This browser has no notifications for a page at this address. A number in the page's title says what is unread, as long as a tab is open."
            : "Your browser can tell you of new messages while you look elsewhere. It asks you first."
        }
      >
        <Notifications isPossible={permission !== "unsupported"} />
      </Step>
    </>
  );
}

function JoinChannel() {
  const { client, conversations } = useApp();
  const [found, setFound] = useState<readonly Channel[] | undefined>(undefined);
  const { run, error } = useAction(async () => {
    setFound((await client.call("channel.list", { limit: CHANNELS_ASKED })).channels);
  });
  useEffect(() => run(), []);
  const own = new Set(conversations.list.value.map(({ id }) => id));
  const others = found?.filter(({ id }) => !own.has(id)).slice(0, CHANNELS_SHOWN_MAX);
  return (
    <>
      {error !== undefined && <Retry error={error} onRetry={run} />}
      {others === undefined && error === undefined && <Spinner label="Loading channels" />}
      {others !== undefined && others.length > 0 && (
        <ul class="channels" aria-label="Channels">
          {others.map((channel) => (
            <ChannelRow key={channel.id} channel={channel} />
          ))}
        </ul>
      )}
      {found?.length === 0 && <p>There is no channel yet. Make the first one.</p>}
      <div class="step-buttons">
        {found !== undefined && found.length > 0 && (
          <Button icon="compass" onClick={() => openDialog("browse")}>
            Browse channels
          </Button>
        )}
        <Button icon="plus" onClick={() => openDialog("new-channel")}>
          New channel
        </Button>
      </div>
    </>
  );
}

function Notifications({ isPossible }: { isPossible: boolean }) {
  const { place, preferences } = useApp();
  const { run, busy } = useAction(async () => {
    await preferences.askPermission();
  });
  const isOn = preferences.notifications.value.browser && preferences.permission() === "granted";
  const settings = (
    <a href={place.href({ is: "settings", tab: "notifications" })}>Notification settings</a>
  );
  return (
    <>
      {isPossible && !isOn && preferences.permission() !== "denied" && (
        <div class="step-buttons">
          <Button icon="bell" busy={busy} onClick={run}>
            Turn on notifications
          </Button>
        </div>
      )}
      <p class="step-more">
        {preferences.permission() === "denied" &&
          "The browser has been told not to show any for this page; its own settings change that. "}
        {settings}
        {isSecureContext &&
          ". From the browser's menu the page can be installed, and then opens like any other program."}
      </p>
    </>
  );
}
