/**
 * The JSON merge patch (RFC 7386) that turns `before` into `after`: what `after` lacks is null. Objects within are patched the
 * same way, anything else is put in whole.
 */
export function mergePatch(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const removed = Object.keys(before).filter((name) => after[name] === undefined);
  const patched = Object.entries(after).map(([name, value]): [string, unknown] => {
    const known = before[name];
    return [name, isObject(known) && isObject(value) ? mergePatch(known, value) : value];
  });
  const none = removed.map((name): [string, unknown] => [name, null]);
  return Object.fromEntries([...patched, ...none]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
