import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { UserMinus, UserPlus } from 'lucide-react';
import { useDeferredValue, useState, type ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useAccess, useApi } from '../../api/context.js';
import { useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { Failure } from '../../ui/failure.js';
import { TextField } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { Pager, usePages } from '../../ui/pager.js';
import { Table } from '../../ui/table.js';
import { useToast } from '../../ui/toast.js';
import { PersonCells } from '../people/person-cells.js';
import { personName } from '../people/person-state.js';
import { PersonChoice } from '../verify/person-choice.js';
import type { Group } from './group.js';

const PAGE_SIZE = 50;

type Person = Answer<'getSpeaker'>;

interface MembersCardProps {
  group: Group;
  onChange: () => Promise<void>;
}

/** Who belongs to a group, found and paged by the service; members are taken out. */
export function MembersCard({ group: { id, members }, onChange }: MembersCardProps): ReactNode {
  const t = useMessages().groups.members;
  const { search, columns } = useMessages().people;
  const api = useApi();
  const { may } = useAccess();
  const { tell } = useToast();
  const [text, setText] = useState('');
  const [leaving, setLeaving] = useState<Person | null>(null);
  const name = useDeferredValue(text.trim());
  const pages = usePages(`${id} ${name}`);
  const list = useQuery({
    queryKey: ['people', 'of', id, name, pages.cursor],
    queryFn: ({ signal }) =>
      api.call(
        'listSpeakers',
        {
          group: id,
          limit: PAGE_SIZE,
          ...(name !== '' && { name }),
          ...(pages.cursor && { cursor: pages.cursor }),
        },
        { signal },
      ),
    placeholderData: keepPreviousData,
  });
  const people = list.data?.speakers ?? [];
  const takesOut = may('enrol');
  return (
    <Card title={t.title}>
      {members > 0 && (
        <form role="search" className={layout['fields']} onSubmit={(event) => event.preventDefault()}>
          <TextField label={search.name} type="search" value={text} onChange={setText} maxLength={200} dir="auto" />
        </form>
      )}
      {list.isPending && <Loading />}
      {list.isError && <Failure error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && people.length === 0 && (
        <p className="muted" role="status">
          {name === '' ? t.none : t.noneFound}
        </p>
      )}
      {people.length > 0 && (
        <Table caption={t.title} columns={[columns.name, columns.status, ...(takesOut ? [''] : [])]}>
          {people.map((person) => (
            <tr key={person.id}>
              <PersonCells person={person} />
              {takesOut && (
                <td>
                  <Button aria-label={t.removeOne(personName(person))} onClick={() => setLeaving(person)}>
                    <UserMinus aria-hidden />
                    {t.remove}
                  </Button>
                </td>
              )}
            </tr>
          ))}
        </Table>
      )}
      {list.data && <Pager pages={pages} nextCursor={list.data.nextCursor} />}
      <Confirm
        open={leaving !== null}
        onClose={() => setLeaving(null)}
        title={t.removeTitle(leaving === null ? '' : personName(leaving))}
        description={t.removeHint}
        action={t.remove}
        onConfirm={async () => {
          await api.call('leaveGroup', { id, speakerId: leaving!.id });
          await onChange();
          tell(t.removed);
        }}
      />
    </Card>
  );
}

/** Takes somebody in. */
export function AddMember({ group: { id }, onChange }: MembersCardProps): ReactNode {
  const t = useMessages().groups.members;
  const api = useApi();
  const { tell, tellError } = useToast();
  const [person, setPerson] = useState('');
  const add = useMutation({
    mutationFn: () => api.call('joinGroup', { id, speakerId: person.trim() }),
    onSuccess: async () => {
      await onChange();
      tell(t.added(person.trim()));
      setPerson('');
    },
    onError: tellError,
  });
  return (
    <Card title={t.addTitle}>
      <form
        className={layout['tight']}
        onSubmit={(event) => {
          event.preventDefault();
          if (!add.isPending && person.trim() !== '') add.mutate();
        }}
      >
        <PersonChoice value={person} onChange={setPerson} />
        <div>
          <Button type="submit" busy={add.isPending} disabled={person.trim() === ''}>
            <UserPlus aria-hidden />
            {t.add}
          </Button>
        </div>
      </form>
    </Card>
  );
}
