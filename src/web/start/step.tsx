/** One step of the guide: what to do, why, and the thing to do it with, here. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Icon } from "../parts/icon.tsx";

export type StepProps = {
  number: number;
  title: string;
  isDone?: boolean;
  about: ComponentChildren;
  children: ComponentChildren;
};

export function Step({ number, title, isDone, about, children }: StepProps) {
  const id = useId();
  return (
    <li class="step" data-done={isDone === true}>
      <span class="step-number" aria-hidden="true">
        {isDone === true ? <Icon name="check" size={16} /> : number}
      </span>
      <section class="step-body" aria-labelledby={id}>
        <h2 id={id}>
          {title}
          {isDone === true && <span class="unseen">, done</span>}
        </h2>
        <p class="step-about">{about}</p>
        {children}
      </section>
    </li>
  );
}
