import { z } from 'zod';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { LONGEST_GROUP_ID, type Group } from '../records/group.js';
import { LONGEST_NAME } from '../records/speaker.js';

const name = z
  .string()
  .nullable()
  .meta({
    maxLength: LONGEST_NAME,
    description: `For people; ${LONGEST_NAME} characters at most, one line in any script.`,
    example: 'Garden Street 7',
  });

export const createGroup = z.strictObject({
  id: z
    .string()
    .optional()
    .meta({
      maxLength: LONGEST_GROUP_ID,
      description:
        `Your own id, ${LONGEST_GROUP_ID} characters at most: letters and digits of any script, and . _ ~ @ + - after the ` +
        'first. Left out, a UUID is made. It never changes.',
      example: 'household-7',
    }),
  name: name.optional(),
});

export const updateGroup = z.strictObject({
  name: name.optional(),
  version: z.int().positive().optional().meta({
    description: 'The version that you read; another one stored meanwhile is a CONFLICT.',
    example: 1,
  }),
});

export const listGroups = z.strictObject(pageQuery('Groups', { most: 500, usual: 50 }));

export const groupView = z.object({
  id: z.string().meta({ example: 'household-7' }),
  name: z.string().nullable().meta({ example: 'Garden Street 7' }),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  version: z.int().meta({ description: 'Counts every change of the group itself.' }),
  members: z.int().meta({ description: 'Speakers who belong to it.', example: 5 }),
});

export const groupsView = z.object({
  groups: z.array(groupView),
  total: z.int().meta({ description: 'Of all pages.' }),
  nextCursor: nextCursorView,
});

export type GroupView = z.output<typeof groupView>;
export type GroupsView = z.output<typeof groupsView>;

export function toGroupView({ id, name: called, createdAt, updatedAt, version, members }: Group): GroupView {
  return {
    id,
    name: called,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    version,
    members,
  };
}
