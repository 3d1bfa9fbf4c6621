import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { useAccess, useApi } from '../../api/context.js';
import { useReadAnew } from '../../api/use-read-anew.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Failure } from '../../ui/failure.js';
import { TextField } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { PageHeader } from '../../ui/page-header.js';
import { Pager, usePages } from '../../ui/pager.js';
import { RowHeading } from '../../ui/row-heading.js';
import { Table } from '../../ui/table.js';
import { groupName, groupPath, type Group } from './group.js';

const PAGE_SIZE = 50;

/** All groups that the key may see, with the number of their members. */
export default function GroupsPage(): ReactNode {
  const t = useMessages().groups;
  const format = useFormat();
  const api = useApi();
  const { may, groups: bound } = useAccess();
  const [creating, setCreating] = useState(false);
  const pages = usePages('');
  const list = useQuery({
    queryKey: ['groups', 'page', pages.cursor],
    queryFn: ({ signal }) =>
      api.call('listGroups', { limit: PAGE_SIZE, ...(pages.cursor && { cursor: pages.cursor }) }, { signal }),
    placeholderData: keepPreviousData,
  });
  const groups = list.data?.groups ?? [];
  // A key that is bound to groups makes no others.
  const creates = may('enrol') && bound === null;
  const create = creates && (
    <Button kind="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden />
      {t.create}
    </Button>
  );
  return (
    <>
      <PageHeader title={t.title} lead={t.lead}>
        {create}
      </PageHeader>
      <div className={layout['stack']}>
        <Card>
          {list.isPending && <Loading />}
          {list.isError && <Failure error={list.error} onRetry={() => void list.refetch()} />}
          {list.data && groups.length === 0 && (
            <EmptyState title={t.none}>
              <p>{t.noneHint}</p>
            </EmptyState>
          )}
          {groups.length > 0 && (
            <Table
              caption={t.title}
              columns={[t.columns.name, t.columns.members, t.columns.created, t.columns.changed]}
            >
              {groups.map((group) => (
                <GroupRow key={group.id} group={group} />
              ))}
            </Table>
          )}
          {list.data && (
            <Pager pages={pages} nextCursor={list.data.nextCursor}>
              {list.data.total > 0 && format.plural(list.data.total, ...t.count)}
            </Pager>
          )}
        </Card>
      </div>
      {creates && <CreateDialog open={creating} onClose={() => setCreating(false)} />}
    </>
  );
}

function GroupRow({ group }: { group: Group }): ReactNode {
  const format = useFormat();
  return (
    <tr>
      <RowHeading href={groupPath(group.id)} name={groupName(group)} id={group.id} />
      <td className="numeric">{format.number(group.members)}</td>
      <td>
        <time dateTime={group.createdAt}>{format.date(group.createdAt)}</time>
      </td>
      <td>
        <time dateTime={group.updatedAt}>{format.date(group.updatedAt)}</time>
      </td>
    </tr>
  );
}

function CreateDialog({ open, onClose }: { open: boolean; onClose: () => void }): ReactNode {
  const t = useMessages().groups;
  const api = useApi();
  const readAnew = useReadAnew();
  const [, go] = useLocation();
  const [name, setName] = useState('');
  const [id, setId] = useState('');
  return (
    <Confirm
      open={open}
      onClose={onClose}
      title={t.create}
      description={t.createHint}
      action={t.create}
      disabled={name.trim() === '' && id.trim() === ''}
      onConfirm={async () => {
        const made = await api.call('createGroup', {
          json: { ...(name.trim() !== '' && { name: name.trim() }), ...(id.trim() !== '' && { id: id.trim() }) },
        });
        await readAnew();
        go(groupPath(made.id));
      }}
    >
      <div className={layout['tight']}>
        <TextField label={t.name} value={name} onChange={setName} maxLength={200} dir="auto" />
        <TextField label={t.id} hint={t.idHint} value={id} onChange={setId} maxLength={64} dir="auto" />
      </div>
    </Confirm>
  );
}
