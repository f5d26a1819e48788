/** R8: while no server is suspect, of those who ask for one name one gets it. */

type Winner = { readonly holder: string; readonly sinceMs: number };

export class NamesWon {
  private readonly winners = new Map<string, Winner>();
  private readonly fail: (rule: string, what: string) => void;

  constructor(fail: (rule: string, what: string) => void) {
    this.fail = fail;
  }

  /**
   * Somebody was told that a name is theirs. `sinceMs` names the peace that the question and its answer were both
   * within: what was won in another one may be gone with its disks.
   */
  won(name: string, holder: string, sinceMs: number): void {
    const winner = this.winners.get(name);
    if (winner !== undefined && winner.sinceMs === sinceMs && winner.holder !== holder) {
      this.fail("R8", `${winner.holder} and ${holder} both got ${name} while all were in sync`);
    }
    this.winners.set(name, { holder, sinceMs });
  }
}
