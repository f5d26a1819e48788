/** Beside the state of the connection: how many more servers may fail before something stored could be lost. */
import { Icon } from "../parts/icon.tsx";
import { useApp } from "../parts/use.ts";
import { budgetWords, faultBudget } from "../state/fault-budget.ts";

export function FaultBudget() {
  const { session } = useApp();
  const budget = faultBudget(session.hello.value?.servers);
  if (budget === undefined) return null;
  const title =
    budget === 0
      ? "What is written now is stored on one server only, until the others are back."
      : "What is stored now is on that many servers besides the one that you are connected to.";
  return (
    <p
      role="status"
      aria-label="Servers"
      class="connection-budget"
      data-low={budget === 0}
      title={title}
    >
      {budget === 0 && <Icon name="alert" size={14} />}
      {budgetWords(budget)}
    </p>
  );
}
