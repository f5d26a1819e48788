/** How many more servers may fail, as far as servers tell all of their clients. */
import type { Result } from "../../client/index.ts";

type Servers = Result<"server.hello">["servers"];

/** Nothing for a server alone, or one that does not say. */
export function faultBudget(servers: Servers | undefined): number | undefined {
  if (servers === undefined || servers.length < 2) return undefined;
  if (servers.some(({ inSync }) => inSync === undefined)) return undefined;
  return Math.max(0, servers.filter(({ inSync }) => inSync === true).length - 1);
}

export function budgetWords(budget: number): string {
  if (budget === 0) return "No more server may fail";
  return `${budget} more ${budget === 1 ? "server" : "servers"} may fail`;
}
