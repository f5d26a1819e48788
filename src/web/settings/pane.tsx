/** The shape of every view of settings: a heading, tabs, and the chosen part. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { BackToConversations } from "../frame/back.tsx";
import { useApp } from "../parts/use.ts";
import type { PlaceAt } from "../state/place.ts";

export type Tab = { label: string; place: PlaceAt; isCurrent: boolean };

export type PaneProps = {
  title: string;
  tabs?: readonly Tab[];
  /** The view itself says where the focus goes. */
  holdFocus?: boolean;
  children: ComponentChildren;
};

export function Pane({ title, tabs, holdFocus, children }: PaneProps) {
  const app = useApp();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (holdFocus !== true) heading.current?.focus();
  }, [title]);
  return (
    <main id="main" class="pane" aria-label={title}>
      <header class="pane-head">
        <BackToConversations />
        <h1 ref={heading} tabIndex={-1}>
          <bdi>{title}</bdi>
        </h1>
      </header>
      {tabs !== undefined && (
        <nav class="pane-tabs" aria-label={title}>
          {tabs.map(({ label, place, isCurrent }) => (
            <a
              key={label}
              class="pane-tab"
              href={app.place.href(place)}
              aria-current={isCurrent ? "page" : undefined}
            >
              {label}
            </a>
          ))}
        </nav>
      )}
      <div class="pane-body">{children}</div>
    </main>
  );
}

export type SectionProps = {
  title: string;
  about?: ComponentChildren;
  children: ComponentChildren;
};

export function Section({ title, about, children }: SectionProps) {
  return (
    <section class="section" aria-label={title}>
      <h2>{title}</h2>
      {about !== undefined && <p class="section-about">{about}</p>}
      {children}
    </section>
  );
}
