import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useAccess, useApi } from '../../api/context.js';
import { bucketsOf, byLabel, quantile, readMetrics, valueOf, type Buckets } from './prometheus.js';

export const READ_EVERY_MS = 5000;

/** An hour of readings. */
const MOST_READINGS = 720;

/** What the charts show, by time. */
export interface Reading {
  /** Seconds since 1970. */
  at: number;
  waiting: number;
  running: number;
  limit: number | null;
  /** Seconds of half, and of 95 %, of the requests since the reading before; null where there were none. */
  median: number | null;
  high: number | null;
}

export interface Metrics {
  readings: Reading[];
  requests: Buckets;
  /** Recordings that were not embedded, by code, since the service started. */
  failures: ReadonlyMap<string, number>;
}

/** Read again and again while somebody looks; the readings before are kept while the page is open. */
export function useMetrics(): UseQueryResult<Metrics> & { allowed: boolean } {
  const api = useApi();
  const queries = useQueryClient();
  const { groups } = useAccess();
  const allowed = groups === null;
  const result = useQuery({
    queryKey: ['metrics'],
    enabled: allowed,
    refetchInterval: READ_EVERY_MS,
    gcTime: Infinity,
    queryFn: async ({ signal }): Promise<Metrics> => {
      const before = queries.getQueryData<Metrics>(['metrics']);
      return next(await api.call('getMetrics', {}, { signal }), before, Date.now() / 1000);
    },
  });
  return { ...result, allowed };
}

export function next(text: string, before: Metrics | undefined, at: number): Metrics {
  const samples = readMetrics(text);
  // A stream of events lasts as long as somebody listens: it says nothing about how fast the service answers.
  const requests = bucketsOf(
    samples,
    'timbre_http_request_seconds',
    ({ route }) => route?.endsWith('/events') !== true,
  );
  const share = (of: number): number | null => (before ? quantile(of, requests, before.requests) : null);
  const reading: Reading = {
    at,
    waiting: valueOf(samples, 'timbre_queue_length') ?? 0,
    running: valueOf(samples, 'timbre_running') ?? 0,
    limit: valueOf(samples, 'timbre_queue_limit'),
    median: share(0.5),
    high: share(0.95),
  };
  return {
    readings: [...(before?.readings ?? []), reading].slice(-MOST_READINGS),
    requests,
    failures: byLabel(samples, 'timbre_failures_total', 'code'),
  };
}
