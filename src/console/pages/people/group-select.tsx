import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useApi } from '../../api/context.js';
import { Select } from '../../ui/field.js';

const MOST_GROUPS = 500;

interface GroupSelectProps {
  label: string;
  /** What stands for no group. */
  everybody: string;
  /** Id of a group; empty: everybody. */
  value: string;
  onChange: (group: string) => void;
}

/** One of the groups, or everybody; nothing where there are no groups. */
export function GroupSelect({ label, everybody, value, onChange }: GroupSelectProps): ReactNode {
  const api = useApi();
  const list = useQuery({ queryKey: ['groups'], queryFn: () => api.call('listGroups', { limit: MOST_GROUPS }) });
  const groups = list.data?.groups ?? [];
  if (groups.length === 0) return null;
  const options = [['', everybody] as const, ...groups.map(({ id, name }) => [id, name ?? id] as const)];
  return <Select label={label} value={value} options={options} onChange={onChange} />;
}
