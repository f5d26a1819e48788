/** Lists that come in pages: one page where a limit was asked for, all of them otherwise. */
import { LIST_PAGE_MAX } from "../core/limits.ts";

export type PageOptions = { readonly limit?: string; readonly after?: string };

type Page = { readonly next?: string; readonly cursor: string };
type Wanted = { readonly limit: number | undefined; readonly after: string | undefined };

/** The page that is wanted, or all pages as one; `rows` is the member of a page that holds its rows. */
export async function pages<P extends Page>(
  ask: (params: { limit: number; after?: string }) => Promise<P>,
  rows: Exclude<keyof P, keyof Page>,
  { limit, after }: Wanted,
): Promise<P> {
  const first = after === undefined ? {} : { after };
  if (limit !== undefined) return ask({ limit, ...first });
  let page = await ask({ limit: LIST_PAGE_MAX, ...first });
  const all = [...(page[rows] as unknown[])];
  while (page.next !== undefined) {
    page = await ask({ limit: LIST_PAGE_MAX, after: page.next });
    all.push(...(page[rows] as unknown[]));
  }
  return { ...page, [rows]: all };
}
