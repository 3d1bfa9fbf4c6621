import type { GroupRef } from '../../../support/group-ref.js';
import type { Speaker } from '../../records/speaker.js';
import type { SpeakerFilter } from '../../records/speaker.repository.js';
import type { TermRow } from './entities/term.entity.js';

/*
 * Speakers are found by terms: `i` and the id, `n` and the folded name, `m` and an entry of metadata, and the empty term for
 * everybody of a group. Each has a row for every group that the speaker belongs to, beside the one for everybody: a search
 * within a group reads rows of that group alone, however many others there are.
 */

/** The empty group: everybody. */
export const EVERYBODY = '';

/** Behind every other character. */
const LAST = '\u{10ffff}';

const idTerm = (id: string): string => `i${id}`;
const nameTerm = (name: string): string => `n${name.normalize('NFKC').toLowerCase()}`;
const metadataTerm = ([key, value]: readonly [string, string]): string => `m${JSON.stringify([key, value])}`;

/** All that a speaker is found by. */
export function termsOf({
  id,
  name,
  createdAt,
  groups,
  metadata,
}: Pick<Speaker, 'id' | 'name' | 'createdAt' | 'metadata'> & { groups: readonly Pick<GroupRef, 'uid'>[] }): TermRow[] {
  const own = [
    idTerm(id),
    ...(name === null ? [] : [nameTerm(name)]),
    ...Object.entries(metadata).map((entry) => metadataTerm(entry)),
  ];
  const row = (groupUid: string, term: string): TermRow => ({
    groupUid,
    term,
    createdAt: createdAt.getTime(),
    speakerId: id,
  });
  return [
    ...own.map((term) => row(EVERYBODY, term)),
    ...groups.flatMap(({ uid }) => ['', ...own].map((term) => row(uid, term))),
  ];
}

/** Terms that begin alike, or one term alone. */
export interface TermRange {
  from: string;
  /** Behind all that begin with `from`; null: `from` alone. */
  to: string | null;
}

/**
 * By what the speakers of a filter are searched, which gives them in their order, and what they have to meet beside it. Null
 * where the filter says nothing.
 */
export function searchOf({ id, name, metadata }: SpeakerFilter): { by: TermRange; beside: TermRange[] } {
  const beginning = (term: string): TermRange => ({ from: term, to: term + LAST });
  const [by, ...beside] = [
    ...(name === undefined ? [] : [beginning(nameTerm(name))]),
    ...(id === undefined ? [] : [beginning(idTerm(id))]),
    ...(metadata === undefined ? [] : [{ from: metadataTerm(metadata), to: null }]),
  ];
  return { by: by ?? { from: '', to: null }, beside };
}

export function isWithin(term: string, { from, to }: TermRange): boolean {
  return to === null ? term === from : term.startsWith(from);
}
