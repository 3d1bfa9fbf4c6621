import { useQuery, useQueryClient } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { TimbreError } from '../../../client/index.js';
import { useAccess, useApi } from '../../api/context.js';
import { useReadAnew } from '../../api/use-read-anew.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Confirm } from '../../ui/confirm.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Failure } from '../../ui/failure.js';
import { TextField } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { PageHeader } from '../../ui/page-header.js';
import { useToast } from '../../ui/toast.js';
import { GroupSettings } from './group-settings.js';
import { groupName, type Group } from './group.js';
import { AddMember, MembersCard } from './members-card.js';

/** One group: who belongs to it, and what is set for its members. */
export default function GroupPage(): ReactNode {
  const t = useMessages().groups;
  const format = useFormat();
  const { id } = useParams<{ id: string }>();
  const api = useApi();
  const { may } = useAccess();
  const changed = useReadAnew();
  const group = useQuery({
    queryKey: ['group', id],
    queryFn: ({ signal }) => api.call('getGroup', { id }, { signal }),
  });
  const above = (
    <Link href="/groups" className={layout['row']}>
      <ArrowLeft aria-hidden size={16} />
      {t.all}
    </Link>
  );
  if (group.isPending) return <Loading />;
  if (group.isError) {
    const gone = group.error instanceof TimbreError && group.error.code === 'GROUP_NOT_FOUND';
    return (
      <>
        <PageHeader title={gone ? t.notThere : t.title} above={above} />
        {gone ? (
          <EmptyState title={t.notThereHint}>
            <Link href="/groups">{t.all}</Link>
          </EmptyState>
        ) : (
          <Failure error={group.error} onRetry={() => void group.refetch()} />
        )}
      </>
    );
  }
  const { data } = group;
  return (
    <>
      <PageHeader
        title={groupName(data)}
        above={above}
        lead={
          <span className={layout['row']}>
            <span>{format.plural(data.members, ...t.members.count)}</span>
            {data.name !== null && <code dir="auto">{data.id}</code>}
          </span>
        }
      >
        <Actions group={data} onChange={changed} />
      </PageHeader>
      <div className={layout['stack']}>
        <MembersCard group={data} onChange={changed} />
        {may('enrol') && <AddMember group={data} onChange={changed} />}
        <GroupSettings id={id} onChange={changed} />
      </div>
    </>
  );
}

interface ActionsProps {
  group: Group;
  onChange: () => Promise<void>;
}

function Actions({ group, onChange }: ActionsProps): ReactNode {
  const t = useMessages().groups;
  const api = useApi();
  const queries = useQueryClient();
  const { may, groups: bound } = useAccess();
  const { tell } = useToast();
  const [, go] = useLocation();
  const [asking, setAsking] = useState<'rename' | 'delete' | null>(null);
  const [name, setName] = useState(group.name ?? '');
  const close = (): void => setAsking(null);
  const { id } = group;
  return (
    <>
      {may('enrol') && <Button onClick={() => setAsking('rename')}>{t.rename}</Button>}
      {/* The group of a key that is bound to it cannot go before the key. */}
      {may('admin') && bound === null && (
        <Button kind="danger" onClick={() => setAsking('delete')}>
          {t.delete}
        </Button>
      )}
      <Confirm
        open={asking === 'rename'}
        onClose={close}
        title={t.rename}
        description={t.renameHint}
        action={t.rename}
        onConfirm={async () => {
          // Whoever else has renamed it meanwhile is not written over.
          await api.call('updateGroup', { id, json: { name: name.trim() || null, version: group.version } });
          await onChange();
        }}
      >
        <TextField label={t.name} value={name} onChange={setName} maxLength={200} dir="auto" />
      </Confirm>
      <Confirm
        open={asking === 'delete'}
        onClose={close}
        title={t.deleteTitle(groupName(group))}
        description={t.deleteHint}
        action={t.delete}
        danger
        onConfirm={async () => {
          await api.call('deleteGroup', { id });
          tell(t.deleted);
          go('/groups');
          queries.removeQueries({ queryKey: ['group', id] });
          await onChange();
        }}
      />
    </>
  );
}
