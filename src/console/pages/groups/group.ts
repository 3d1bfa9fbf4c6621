import type { Answer } from '../../../client/index.js';

export type Group = Answer<'getGroup'>;

/** What to call a group: the name, or the id where there is none. */
export function groupName({ name, id }: Pick<Group, 'name' | 'id'>): string {
  return name ?? id;
}

/** Where the page of a group is. */
export function groupPath(id: string): string {
  return `/groups/${encodeURIComponent(id)}`;
}
