/*
 * Statements of every request. A database that reads and plans each statement anew for every call spends more on that than on
 * carrying it out; of these it keeps what it has found, for each connection. Others are left out: a plan that is kept suits all
 * values alike, which is wrong where the best one depends on them.
 */

const names = new Map<string, string>();

/** To be called with the text of a statement of every request, which comes from the program alone: there are few. */
export function prepared(text: string): string {
  if (!names.has(text)) names.set(text, `timbre_${names.size}`);
  return text;
}

/** What the statement is called on each connection; undefined for one that is not kept. */
export function nameOf(text: string): string | undefined {
  return names.get(text);
}
