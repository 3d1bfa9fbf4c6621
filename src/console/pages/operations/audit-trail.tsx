import { useInfiniteQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { Answer } from '../../../client/index.js';
import { useAccess, useApi } from '../../api/context.js';
import { download } from '../../api/download.js';
import { useErrorText } from '../../i18n/errors.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Select, TextField } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { Notice } from '../../ui/notice.js';
import { useToast } from '../../ui/toast.js';
import { Table } from '../../ui/table.js';
import layout from '../../styles/layout.module.css';
import css from './operations.module.css';

type Entry = Answer<'listAudit'>['entries'][number];

/** As the fields have it; times as the browser's own fields give them, in local time. */
interface Asked {
  speaker: string;
  from: string;
  to: string;
}

const NOTHING: Asked = { speaker: '', from: '', to: '' };
const PAGE = 100;

export function AuditTrail(): ReactNode {
  const t = useMessages().operations.audit;
  const api = useApi();
  const format = useFormat();
  const textOf = useErrorText();
  const { groups } = useAccess();
  const { tellError } = useToast();
  const [fields, setFields] = useState(NOTHING);
  const [asked, setAsked] = useState(NOTHING);
  const [action, setAction] = useState('');
  const [saving, setSaving] = useState(false);
  const needed = groups !== null && asked.speaker === '';
  const list = useInfiniteQuery({
    queryKey: ['audit', asked],
    enabled: !needed,
    queryFn: ({ pageParam, signal }) =>
      api.call(
        'listAudit',
        { ...given(asked), limit: PAGE, ...(pageParam !== null && { cursor: pageParam }) },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  });
  const entries = list.data?.pages.flatMap((page) => page.entries) ?? [];
  const actions = [...new Set(entries.map((entry) => entry.action))].sort();
  const shown = entries.filter((entry) => action === '' || entry.action === action);

  const save = async (): Promise<void> => {
    setSaving(true);
    try {
      const lines: string[] = [];
      for await (const entry of api.auditEntries(given(asked))) lines.push(`${JSON.stringify(entry)}\n`);
      download('audit.jsonl', new Blob(lines, { type: 'application/x-ndjson' }));
    } catch (error) {
      tellError(error);
    } finally {
      setSaving(false);
    }
  };

  return (
    <Card
      title={t.title}
      actions={
        !needed && (
          <Button busy={saving} onClick={() => void save()}>
            <Download aria-hidden /> {saving ? t.exporting : t.export}
          </Button>
        )
      }
    >
      <form
        className={css['filter']}
        onSubmit={(event) => {
          event.preventDefault();
          setAsked({ ...fields, speaker: fields.speaker.trim() });
        }}
      >
        <TextField
          label={t.who}
          hint={groups === null ? t.whoHint : t.whoNeeded}
          dir="auto"
          value={fields.speaker}
          onChange={(speaker) => setFields({ ...fields, speaker })}
        />
        <TextField
          label={t.from}
          type="datetime-local"
          value={fields.from}
          onChange={(from) => setFields({ ...fields, from })}
        />
        <TextField
          label={t.to}
          type="datetime-local"
          value={fields.to}
          onChange={(to) => setFields({ ...fields, to })}
        />
        <Select
          label={t.action}
          value={action}
          options={[['', t.actions], ...actions.map((one) => [one, one] as const)]}
          onChange={setAction}
        />
        <Button type="submit" kind="primary">
          {t.apply}
        </Button>
      </form>
      {list.isLoading && <Loading />}
      {list.error && <Notice tone="bad">{textOf(list.error)}</Notice>}
      {list.isSuccess && shown.length === 0 && <EmptyState title={t.none} />}
      {shown.length > 0 && <Entries entries={shown} />}
      {list.hasNextPage && (
        <div className={css['row']}>
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t.more}
          </Button>
          <span className={layout['fine']}>{t.loaded(format.number(entries.length))}</span>
        </div>
      )}
    </Card>
  );
}

function Entries({ entries }: { entries: readonly Entry[] }): ReactNode {
  const t = useMessages().operations.audit;
  const format = useFormat();
  return (
    <Table caption={t.title} columns={[t.at, t.action, t.by, t.speaker, t.object, t.outcome]}>
      {entries.map(({ id, at, action, by, speakerId, subject, object, outcome }) => (
        <tr key={id}>
          <th scope="row" className={css['nowrap']}>
            <time dateTime={at}>{format.dateTime(at)}</time>
          </th>
          <td>{action}</td>
          <td className="mono">{by}</td>
          <td>
            {speakerId !== null ? (
              <Link href={`/people/${encodeURIComponent(speakerId)}`}>
                <bdi>{speakerId}</bdi>
              </Link>
            ) : (
              subject !== null && <span className="muted">{t.erased}</span>
            )}
          </td>
          <td className="mono">{object !== null && object.length > 16 ? `${object.slice(0, 8)} …` : object}</td>
          <td>{outcome}</td>
        </tr>
      ))}
    </Table>
  );
}

function given({ speaker, from, to }: Asked): { speaker?: string; from?: string; to?: string } {
  return {
    ...(speaker !== '' && { speaker }),
    ...(from !== '' && { from: new Date(from).toISOString() }),
    ...(to !== '' && { to: new Date(to).toISOString() }),
  };
}
