import type { z } from 'zod';
import { TimbreError } from '../../errors/timbre-error.js';
import type { Steps } from '../../support/steps.js';
import { invalid } from './validation.js';

/** Things wrong with a list that are looked for. */
const MOST_ISSUES = 20;

/** A value as the schema gives it; `name` is where it stands. Errors: INVALID_ARGUMENT that names what is wrong. */
export function checked<S extends z.ZodType>(name: string, schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const at = name === '' ? [] : [name];
  throw invalid(result.error.issues.map((issue) => ({ ...issue, path: [...at, ...issue.path] })));
}

/**
 * A list whose every entry is of a schema, checked in pieces that leave the event loop to others. Errors:
 * INVALID_ARGUMENT, which names the first things that are wrong; BODY_TOO_LARGE for too many entries; those of the steps.
 */
export async function checkEach<S extends z.ZodType>(
  name: string,
  list: unknown,
  schema: S,
  most: number,
  steps: Steps,
): Promise<z.output<S>[]> {
  if (!Array.isArray(list) || list.length === 0) {
    throw new TimbreError('INVALID_ARGUMENT', `${name} is a list with one entry for each recording`);
  }
  if (list.length > most) {
    throw new TimbreError('BODY_TOO_LARGE', `${name} has ${list.length} entries; there are ${most} at most`);
  }
  const good: z.output<S>[] = [];
  const issues: z.core.$ZodIssue[] = [];
  for (const [i, entry] of list.entries()) {
    const result = schema.safeParse(entry);
    if (result.success) good.push(result.data);
    else issues.push(...result.error.issues.map((issue) => ({ ...issue, path: [name, i, ...issue.path] })));
    if (issues.length > MOST_ISSUES) break;
    await steps.next();
  }
  if (issues.length > 0) throw invalid(issues);
  return good;
}
