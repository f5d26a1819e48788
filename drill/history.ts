/** The channel of a load, read whole from one server. */
import { rpc } from "../src/client/index.ts";
import { HISTORY_PAGE_MAX } from "../src/core/limits.ts";
import type { Shown } from "./judge.ts";
import { CHANNEL } from "./talker.ts";

export async function historyOf(url: string, token: string): Promise<Shown[]> {
  const shown: Shown[] = [];
  let before: string | undefined;
  do {
    const page = await rpc(url, token, "message.history", {
      in: `#${CHANNEL}`,
      limit: HISTORY_PAGE_MAX,
      ...(before === undefined ? {} : { before }),
    });
    shown.unshift(
      ...page.messages.map(({ text }) => {
        const [from = "", n] = text.split(" ");
        return { from, n: Number(n) };
      }),
    );
    before = page.next;
  } while (before !== undefined);
  return shown;
}
