/** The way back to the list, where list and view share one pane. */
import { Icon } from "../parts/icon.tsx";
import { useApp } from "../parts/use.ts";
import { narrow } from "./narrow.ts";

export function BackToConversations() {
  const { place } = useApp();
  if (!narrow.value) return null;
  return (
    <a
      class="icon-button"
      href={place.href({ is: "home" })}
      aria-label="Back to conversations"
      title="Back to conversations"
    >
      <Icon name="back" />
    </a>
  );
}
