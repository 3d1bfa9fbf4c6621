import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { UserPlus } from 'lucide-react';
import { useDeferredValue, useState, type ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useAccess, useApi } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Badge } from '../../ui/badge.js';
import { Button, ButtonLink } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Failure } from '../../ui/failure.js';
import { Select, TextField } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { PageHeader } from '../../ui/page-header.js';
import { Pager, usePages } from '../../ui/pager.js';
import { Table } from '../../ui/table.js';
import { Duplicates } from './duplicates.js';
import { GroupSelect } from './group-select.js';
import { PersonCells } from './person-cells.js';

const PAGE_SIZE = 50;

type SearchedBy = 'name' | 'id';

/** Everybody who is known, found and paged by the service. */
export default function PeoplePage(): ReactNode {
  const t = useMessages().people;
  const format = useFormat();
  const api = useApi();
  const { may } = useAccess();
  const [text, setText] = useState('');
  const [by, setBy] = useState<SearchedBy>('name');
  const [group, setGroup] = useState('');
  const [duplicates, setDuplicates] = useState(false);
  const wanted = useDeferredValue(text.trim());
  const filter = { ...(wanted !== '' && { [by]: wanted }), ...(group !== '' && { group }) };
  const pages = usePages(JSON.stringify(filter));

  const list = useQuery({
    queryKey: ['people', filter, pages.cursor],
    queryFn: ({ signal }) =>
      api.call(
        'listSpeakers',
        { limit: PAGE_SIZE, ...filter, ...(pages.cursor && { cursor: pages.cursor }) },
        { signal },
      ),
    placeholderData: keepPreviousData,
  });
  const searched = Object.keys(filter).length > 0;
  const people = list.data?.speakers ?? [];

  return (
    <>
      <PageHeader title={t.title} lead={t.lead}>
        {may('admin') && <Button onClick={() => setDuplicates(!duplicates)}>{t.duplicates.find}</Button>}
        {may('enrol') && (
          <ButtonLink kind="primary" href="/enrol">
            <UserPlus aria-hidden />
            {t.add}
          </ButtonLink>
        )}
      </PageHeader>
      <div className={layout['stack']}>
        {duplicates && <Duplicates />}
        <Card>
          <form role="search" className={layout['fields']} onSubmit={(event) => event.preventDefault()}>
            <TextField label={t.search[by]} type="search" value={text} onChange={setText} maxLength={128} dir="auto" />
            <Select<SearchedBy>
              label={t.search.by}
              value={by}
              options={[
                ['name', t.columns.name],
                ['id', t.columns.id],
              ]}
              onChange={setBy}
            />
            <GroupSelect label={t.search.group} everybody={t.search.everybody} value={group} onChange={setGroup} />
          </form>
          {list.isPending && <Loading />}
          {list.isError && <Failure error={list.error} onRetry={() => void list.refetch()} />}
          {list.data && people.length === 0 && (
            <EmptyState title={searched ? t.nobodyFound : t.nobody}>
              {searched ? <p>{t.nobodyFoundHint}</p> : may('enrol') && <ButtonLink href="/enrol">{t.add}</ButtonLink>}
            </EmptyState>
          )}
          {people.length > 0 && (
            <Table
              caption={t.title}
              columns={[
                t.columns.name,
                t.columns.status,
                t.columns.recordings,
                t.columns.confidence,
                t.columns.groups,
                t.columns.changed,
              ]}
            >
              {people.map((person) => (
                <PersonRow key={person.id} person={person} />
              ))}
            </Table>
          )}
          {list.data && (
            <Pager pages={pages} nextCursor={list.data.nextCursor}>
              {list.data.total !== null && format.plural(list.data.total, t.onePerson, t.manyPeople)}
            </Pager>
          )}
        </Card>
      </div>
    </>
  );
}

function PersonRow({ person }: { person: Answer<'getSpeaker'> }): ReactNode {
  const format = useFormat();
  return (
    <tr>
      <PersonCells person={person} />
      <td className="numeric">
        {format.number(person.enrollmentsCount)} · {format.seconds(person.enrollmentsSpeechLengthInSec)}
      </td>
      <td className="numeric">{format.percent(person.confidence)}</td>
      <td>
        {person.groups.slice(0, 3).map((group) => (
          <Badge key={group}>{group}</Badge>
        ))}
        {person.groups.length > 3 && ` +${format.number(person.groups.length - 3)}`}
      </td>
      <td>
        <time dateTime={person.updatedAt}>{format.date(person.updatedAt)}</time>
      </td>
    </tr>
  );
}
