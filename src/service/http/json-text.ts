import type { Steps } from '../../support/steps.js';

/**
 * An object as JSON, whose lists, of objects, are written entry by entry: in one step the text of a large answer would hold the event
 * loop. Errors: those of the steps.
 */
export async function jsonOf(answer: Readonly<Record<string, unknown>>, steps: Steps): Promise<string> {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(answer)) {
    if (value === undefined) continue;
    fields.push(
      `${JSON.stringify(name)}:${Array.isArray(value) ? await listOf(value as object[], steps) : JSON.stringify(value)}`,
    );
  }
  return `{${fields.join(',')}}`;
}

async function listOf(list: readonly object[], steps: Steps): Promise<string> {
  const entries: string[] = [];
  for (const entry of list) {
    entries.push(JSON.stringify(entry));
    await steps.next();
  }
  return `[${entries.join(',')}]`;
}
