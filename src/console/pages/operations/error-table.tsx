import { useState, type ReactNode } from 'react';
import { ERROR_CODES } from '../../../client/index.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Card } from '../../ui/card.js';
import { Checkbox, TextField } from '../../ui/field.js';
import { EmptyState } from '../../ui/empty-state.js';
import { useMetrics } from './use-metrics.js';
import { Table } from '../../ui/table.js';
import layout from '../../styles/layout.module.css';
import css from './operations.module.css';

/** Every code of the one error table: how often it came, what it means, what to do. */
export function ErrorTable(): ReactNode {
  const t = useMessages();
  const e = t.operations.errors;
  const format = useFormat();
  const { data } = useMetrics();
  const [search, setSearch] = useState('');
  const [only, setOnly] = useState(false);
  const sentences: Partial<Record<string, string>> = t.errors.sentences;
  const words = search.toLowerCase().split(/\s+/);
  const rows = Object.entries(ERROR_CODES)
    .map(([code, { http, means }]) => ({
      code,
      http,
      count: data?.failures.get(code) ?? 0,
      means: sentences[code] ?? means,
      remedy: e.remedies[code],
    }))
    .filter(({ code, means, remedy = '', count }) => {
      const text = `${code} ${means} ${remedy}`.toLowerCase();
      return (!only || count > 0) && words.every((word) => text.includes(word));
    })
    .sort((a, b) => b.count - a.count);
  return (
    <Card title={e.title}>
      <p className={layout['fine']}>
        {e.lead} {e.recordings}
      </p>
      <div className={css['filter']}>
        <TextField label={e.search} type="search" value={search} onChange={setSearch} />
        <Checkbox label={e.only} checked={only} onChange={setOnly} />
      </div>
      {rows.length === 0 ? (
        <EmptyState title={e.none} />
      ) : (
        <Table caption={e.title} columns={[e.code, e.count, e.means, e.status]}>
          {rows.map(({ code, http, count, means, remedy }) => (
            <tr key={code}>
              <th scope="row" className="mono">
                {code}
              </th>
              <td>{count > 0 && <Badge tone="warn">{format.number(count)}</Badge>}</td>
              <td className={css['long']}>
                {means} {remedy !== undefined && <strong>{remedy}</strong>}
              </td>
              <td className="numeric">{http}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}
