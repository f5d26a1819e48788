/** What follows from who is signed in and where one is: effects, each with one reason. */
import { batch, effect, untracked } from "@preact/signals";
import { HoldfastError } from "../../client/index.ts";
import type { Parts } from "./app.ts";
import { textOf } from "./errors.ts";
import { subjectOf, titleOf } from "./notices.ts";
import { HOME, type PlaceAt } from "./place.ts";
import type { Ports } from "./ports.ts";

/** The answers end it. */
export function follow(parts: Parts, ports: Ports): (() => void)[] {
  return [
    followAccountAndPlace(parts),
    lookUpNames(parts),
    lookUpStrangers(parts),
    keepLastLook(parts),
    forgetPresence(parts),
    tellTitle(parts, ports),
    warnOnce(parts, ports),
    ports.onLeave(() => {
      parts.drafts.flush();
      parts.lastLook.flush();
      void parts.conversations.marks.flush();
    }),
  ];
}

/** Another account sees nothing of the one before; the conversation that one goes to is opened. */
function followAccountAndPlace(parts: Parts): () => void {
  let before: string | undefined;
  return effect(() => {
    const account = parts.me.value;
    const at = parts.place.current.value;
    untracked(() =>
      batch(() => {
        if (account !== before) becomeAccount(parts, account);
        before = account;
        openPlace(parts, account === undefined ? HOME : at);
      }),
    );
  });
}

function becomeAccount(parts: Parts, account: string | undefined): void {
  const { conversations, timelines, people, typing, receipts, search, pending, speaker } = parts;
  for (const part of [conversations, timelines, people, typing, receipts, search, speaker]) {
    part.clear();
  }
  pending.clear();
  if (account !== undefined) conversations.seed(parts.lastLook.of({ id: account }));
}

function openPlace({ timelines, speaker }: Parts, at: PlaceAt): void {
  if (at.is !== "conversation") {
    timelines.opened(undefined);
    return;
  }
  timelines.opened(at.id, at.at);
  speaker.opened(at.id);
}

/** `#/@bob` and `#/#ops`: a name in the address becomes the place that it stands for. */
function lookUpNames({ place, me, conversations, alerts }: Parts): () => void {
  return effect(() => {
    const reference = place.wanted.value;
    if (reference === undefined || me.value === undefined) return;
    untracked(() => {
      conversations.open(reference).catch((error) => {
        if (place.wanted.peek() !== reference) return;
        alerts.show({ kind: "error", text: `${reference}: ${textOf(error)}` });
        place.go(HOME, { replace: true });
      });
    });
  });
}

/** A conversation that is not in the own list: a public channel to look at, or nothing that one may see. */
function lookUpStrangers({ place, me, conversations, alerts }: Parts): () => void {
  let asked: string | undefined;
  return effect(() => {
    const at = place.current.value;
    const account = me.value;
    const isHere = at.is === "conversation" || at.is === "channel-settings";
    if (account === undefined || !isHere || !conversations.loaded.value) {
      asked = undefined;
      return;
    }
    const { id } = at;
    if (conversations.byId(id).value !== undefined || asked === `${account} ${id}`) return;
    asked = `${account} ${id}`;
    untracked(() => {
      conversations.resolve(id).catch((error) => {
        const now = place.current.peek();
        const isStill = now.is === at.is && "id" in now && now.id === id;
        if (!isStill || !(error instanceof HoldfastError) || error.retry) return;
        alerts.show({
          kind: "info",
          text: "There is no such conversation, or none that you may see.",
        });
        place.go(HOME, { replace: true });
      });
    });
  });
}

function keepLastLook({ session, me, conversations, lastLook }: Parts): () => void {
  return effect(() => {
    const account = me.value;
    if (account !== undefined) {
      const shown = conversations.list.value;
      const kept = untracked(() => shown.flatMap(({ id }) => conversations.get(id) ?? []));
      if (conversations.loaded.value) lastLook.show(account, kept);
    } else if (session.phase.value.is === "signed_out") {
      lastLook.forget();
    }
  });
}

/** What is known of who is here holds as long as the connection does. */
function forgetPresence({ connection, conversations, place }: Parts): () => void {
  return effect(() => {
    if (!connection.isTroubled.value) return;
    const at = place.current.peek();
    const open = at.is === "conversation" ? at.id : undefined;
    untracked(() => batch(() => conversations.presenceUnknown(open)));
  });
}

function tellTitle({ place, me, conversations }: Parts, ports: Ports): () => void {
  return effect(() => {
    const at = place.current.value;
    const isIn = me.value !== undefined;
    const subject =
      at.is === "conversation" ? conversations.byId(at.id).value?.title : subjectOf(at);
    ports.setTitle(titleOf(isIn ? conversations.totalUnread.value : 0, isIn ? subject : undefined));
  });
}

/** Where nothing is kept, one hears of it as soon as one has something to lose. */
function warnOnce({ me, saidNothingKept }: Parts, ports: Ports): () => void {
  return effect(() => {
    if (me.value !== undefined && !ports.storage.lasts) untracked(saidNothingKept);
  });
}
