import type { Group } from '../../../records/group.js';
import type { GroupRow } from '../entities/group.entity.js';

export function toGroup({ createdAt, updatedAt, ...row }: GroupRow): Group {
  return { ...row, createdAt: new Date(createdAt), updatedAt: new Date(updatedAt) };
}

export function toGroupRow({ createdAt, updatedAt, ...group }: Group): GroupRow {
  return { ...group, createdAt: createdAt.getTime(), updatedAt: updatedAt.getTime() };
}
