/** Draws the one dialog of the frame that is open, if any. */
import { useEffect } from "preact/hooks";
import { ShortcutsDialog } from "../settings/shortcuts.tsx";
import { BrowseChannels } from "./browse-channels.tsx";
import { closeDialog, dialog } from "./dialogs.ts";
import { Finder } from "./finder.tsx";
import { NewChannel } from "./new-channel.tsx";
import { SignOut } from "./sign-out.tsx";

export function OpenDialog() {
  useEffect(() => closeDialog, []);
  const open = dialog.value;
  if (open === undefined) return null;
  const props = { text: open.text, onClose: closeDialog };
  switch (open.is) {
    case "finder":
      return <Finder {...props} />;
    case "new-channel":
      return <NewChannel {...props} />;
    case "browse":
      return <BrowseChannels {...props} />;
    case "shortcuts":
      return <ShortcutsDialog onClose={closeDialog} />;
    case "sign-out":
      return <SignOut onClose={closeDialog} />;
  }
}
