/** A small sign for a person or a channel: the same colour for the same id, everywhere. */
import { Icon } from "./icon.tsx";
import { initialOf } from "./initial.ts";

export type AvatarProps = {
  id: string;
  name: string;
  /** Shows whether the person is here; left out, nothing is said about it. */
  online?: boolean | undefined;
  /** Px. */
  size?: number;
  kind?: "person" | "channel" | "private";
};

export function Avatar({ id, name, online, size = 32, kind = "person" }: AvatarProps) {
  const style = {
    width: `${size}px`,
    height: `${size}px`,
    fontSize: `${Math.round(size * 0.42)}px`,
    "--hue": String(hueOf(id)),
  };
  return (
    <span class={`avatar avatar-${kind}`} style={style} aria-hidden="true">
      {kind === "person" ? (
        initialOf(name)
      ) : (
        <Icon name={kind === "private" ? "lock" : "hash"} size={Math.round(size * 0.55)} />
      )}
      {online !== undefined && <span class="avatar-dot" data-online={online} />}
    </span>
  );
}

function hueOf(id: string): number {
  let hash = 7;
  for (let i = 0; i < id.length; i++) hash = (hash * 31 + id.charCodeAt(i)) % 3_600;
  return (hash * 47) % 360;
}
