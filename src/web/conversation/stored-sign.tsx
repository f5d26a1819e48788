/** How far an own message is: quietly, as a sign with words for those who ask. */
import type { OutboxEntry, Receipt } from "../../client/index.ts";
import { classes } from "../parts/button.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";

export function StoredSign({ receipt: { held, of } }: { receipt: Receipt }) {
  const isWhole = held.length >= of;
  const isAlone = held.length === 1 && !isWhole;
  const text = `Stored on ${held.length} of ${of} ${of === 1 ? "server" : "servers"}`;
  const later = isWhole ? "" : ". The others get it when they are back.";
  return (
    <Sign
      icon={isAlone ? "alert" : "check"}
      kind={isAlone ? "warn" : "stored"}
      text={text}
      title={`${text}: ${held.join(", ")}${later}`}
      {...(isWhole ? {} : { shown: `${held.length} of ${of}` })}
    />
  );
}

export function SendingSign({ state }: { state: OutboxEntry["state"] }) {
  if (state === "failed") return null;
  const text = state === "waiting" ? "Waiting to be sent" : "Sending";
  return <Sign icon="clock" kind={state} text={text} title={text} />;
}

type SignProps = { icon: IconName; kind: string; text: string; title: string; shown?: string };

function Sign({ icon, kind, text, title, shown }: SignProps) {
  return (
    <span class={classes("msg-sign", `msg-sign-${kind}`)} title={title}>
      <Icon name={icon} size={14} />
      {shown !== undefined && <span aria-hidden="true">{shown}</span>}
      <span class="unseen">{text}</span>
    </span>
  );
}
