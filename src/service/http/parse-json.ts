import { TimbreError } from '../../errors/timbre-error.js';

/** Far more than any call needs; whoever walks the value recursively is safe. */
const MAX_DEPTH = 32;

/** A request's JSON. Errors: INVALID_ARGUMENT. */
export function parseJson(body: Buffer): unknown {
  const text = body.toString('utf8');
  if (text.trim() === '') throw new TimbreError('INVALID_ARGUMENT', 'the body is empty; send JSON');
  if (nestsDeeperThan(text, MAX_DEPTH)) {
    throw new TimbreError('INVALID_ARGUMENT', `the JSON nests deeper than ${MAX_DEPTH} levels`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new TimbreError('INVALID_ARGUMENT', `the body is no JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** Counts the brackets that stand outside of strings. */
function nestsDeeperThan(json: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (inString) {
      if (char === '\\') i++;
      else if (char === '"') inString = false;
    } else if (char === '"') {
      inString = true;
    } else if (char === '[' || char === '{') {
      if (++depth > limit) return true;
    } else if (char === ']' || char === '}') {
      depth--;
    }
  }
  return false;
}
