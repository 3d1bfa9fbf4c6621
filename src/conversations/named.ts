import type { VoiceName } from '../scoring/voice-names.js';

/**
 * What each label is called for people: the name of its voice, or the label, set apart where somebody is called the same.
 */
export function shownNames(
  labels: readonly string[],
  names: readonly Pick<VoiceName, 'label' | 'speakerId'>[],
): Map<string, string> {
  const given = new Map(names.flatMap(({ label, speakerId }) => (speakerId === null ? [] : [[label, speakerId]])));
  const taken = new Set(given.values());
  const shown = new Map<string, string>();
  for (const label of labels) {
    let name = given.get(label);
    if (name === undefined) {
      name = label;
      while (taken.has(name)) name = `${name}?`;
      taken.add(name);
    }
    shown.set(label, name);
  }
  return shown;
}
