/**
 * What could not be shown, or not as it came, in the log: once, though catalogs are made anew with every change. It
 * hides how much of it is said: a server can list thousands of things that cannot be shown, and others with every change.
 */
import { type Audit, type Limits, type Log, nullAudit } from "../base/index.ts";
import type { Problem } from "../catalog/index.ts";

/** Lines for one change, and names in a line. */
const linesMax = 20;
const namesMax = 5;

export class ProblemLog {
  readonly #log: Log;
  readonly #audit: Audit;
  /** Those that were told. */
  #told = new Set<string>();

  constructor(log: Log, audit: Audit = nullAudit) {
    this.#log = log;
    this.#audit = audit;
  }

  /** Says of the problems of a new catalog those that were not said before, one line for all of one server with one reason. */
  tell(problems: readonly Problem[], limits: Pick<Limits, "listItemsMax">): void {
    const news = new Map<string, Problem[]>();
    for (const problem of problems) if (this.#isNew(problem, limits)) append(news, JSON.stringify([problem.backend, problem.kind, problem.reason]), problem);
    let left = linesMax;
    for (const same of news.values()) {
      if (left === 0) break;
      left -= 1;
      this.#line(same);
    }
    if (news.size > linesMax) this.#log.warn("more of what servers offer cannot be shown, or not as it came", { reasons: news.size - linesMax });
  }

  #isNew({ backend, kind, id, reason }: Problem, { listItemsMax }: Pick<Limits, "listItemsMax">): boolean {
    const key = JSON.stringify([backend, kind, id, reason]);
    if (this.#told.has(key)) return false;
    if (this.#told.size >= listItemsMax) this.#told = new Set();
    this.#told.add(key);
    return true;
  }

  #line(same: readonly Problem[]): void {
    const [first] = same;
    if (first === undefined) return;
    const names = same.slice(0, namesMax).map(({ id }) => id);
    this.#log.warn("what a server offers cannot be shown, or not as it came", { server: first.backend, list: first.kind, reason: first.reason, names: JSON.stringify(names), count: same.length });
    this.#audit.record({ ev: "definition.flagged", target: `${first.backend}/${first.kind}/${first.id}`, reason: first.reason, count: same.length });
  }
}

function append(news: Map<string, Problem[]>, key: string, problem: Problem): void {
  const same = news.get(key);
  if (same === undefined) news.set(key, [problem]);
  else same.push(problem);
}
