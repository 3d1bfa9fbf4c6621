import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useDeferredValue, useId, type ReactNode } from 'react';
import { useApi } from '../../api/context.js';
import { useMessages } from '../../i18n/index.js';
import { TextField } from '../../ui/field.js';

/** An id, with those that begin so, and people whose names do, offered while it is typed. */
export function PersonChoice({ value, onChange }: { value: string; onChange: (id: string) => void }): ReactNode {
  const t = useMessages().verify;
  const api = useApi();
  const list = useId();
  const text = useDeferredValue(value.trim());
  const found = useQuery({
    queryKey: ['people', 'choice', text],
    queryFn: async ({ signal }) => {
      if (text === '') return (await api.call('listSpeakers', { limit: 20 }, { signal })).speakers;
      const both = await Promise.all([
        api.call('listSpeakers', { limit: 10, id: text }, { signal }),
        api.call('listSpeakers', { limit: 10, name: text }, { signal }),
      ]);
      return [...new Map(both.flatMap(({ speakers }) => speakers).map((person) => [person.id, person])).values()];
    },
    placeholderData: keepPreviousData,
  });
  const known = found.data?.find(({ id }) => id === text);
  const hint = known
    ? known.enrollmentStatus === 'Enrolled'
      ? t.isEnrolled(known.name ?? known.id)
      : t.isNotEnrolled(known.name ?? known.id)
    : t.personHint;
  return (
    <>
      <TextField
        label={t.person}
        hint={hint}
        value={value}
        onChange={onChange}
        list={list}
        maxLength={128}
        autoComplete="off"
        dir="auto"
      />
      <datalist id={list}>
        {found.data?.map(({ id, name }) => (
          <option key={id} value={id}>
            {name ?? id}
          </option>
        ))}
      </datalist>
    </>
  );
}
