import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useApi } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Card } from '../../ui/card.js';
import { Failure } from '../../ui/failure.js';
import { Loading } from '../../ui/loading.js';
import { Pager, usePages } from '../../ui/pager.js';
import { Table } from '../../ui/table.js';

/** People who may be one person, a page of everybody at a time. */
export function Duplicates(): ReactNode {
  const t = useMessages().people.duplicates;
  const format = useFormat();
  const api = useApi();
  const pages = usePages('');
  const found = useQuery({
    queryKey: ['duplicates', pages.cursor],
    queryFn: ({ signal }) => api.call('listDuplicates', pages.cursor ? { cursor: pages.cursor } : {}, { signal }),
  });
  const link = (id: string): ReactNode => (
    <Link href={`/people/${encodeURIComponent(id)}`} dir="auto">
      {id}
    </Link>
  );
  return (
    <Card title={t.title}>
      <p className="muted">{t.lead}</p>
      {found.isPending && <Loading />}
      {found.isError && <Failure error={found.error} onRetry={() => void found.refetch()} />}
      {found.data?.pairs.length === 0 && (
        <p role="status">{format.plural(found.data.compared, t.noneOfOne, t.noneOfMany)}</p>
      )}
      {found.data && found.data.pairs.length > 0 && (
        <Table caption={t.title} columns={[t.one, t.other, t.evidence]}>
          {found.data.pairs.map(({ of, speakerId, llr, cosine }) => (
            <tr key={`${of} ${speakerId}`}>
              <td>{link(of)}</td>
              <td>{link(speakerId)}</td>
              <td className="numeric">{llr === null ? format.number(cosine, 2) : format.odds(llr)}</td>
            </tr>
          ))}
        </Table>
      )}
      {found.data && <Pager pages={pages} nextCursor={found.data.nextCursor} />}
    </Card>
  );
}
