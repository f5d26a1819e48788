/** Which of the frame's dialogs is open: one at most, opened from anywhere in the page. */
import { type ReadonlySignal, signal } from "@preact/signals";

export type DialogName = "finder" | "new-channel" | "browse" | "shortcuts" | "sign-out";
export type OpenDialog = { readonly is: DialogName; readonly text: string };

const open = signal<OpenDialog | undefined>(undefined);

export const dialog: ReadonlySignal<OpenDialog | undefined> = open;

/** `text`: what its first field begins with. */
export function openDialog(is: DialogName, text = ""): void {
  open.value = { is, text };
}

export function closeDialog(): void {
  open.value = undefined;
}
