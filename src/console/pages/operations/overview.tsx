import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, type ReactNode } from 'react';
import type uPlot from 'uplot';
import { useApi, useInfo } from '../../api/context.js';
import { useErrorText } from '../../i18n/errors.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Card } from '../../ui/card.js';
import { axisOf, Chart } from '../../ui/chart.js';
import type { ColourOf } from '../../ui/colours.js';
import { Loading } from '../../ui/loading.js';
import { Notice } from '../../ui/notice.js';
import { READ_EVERY_MS, useMetrics, type Reading } from './use-metrics.js';
import layout from '../../styles/layout.module.css';
import css from './operations.module.css';

const CHART_HEIGHT = 180;
/** That the axis of time covers, however few readings there are. */
const LEAST_SECONDS = 60;

/** What runs, how busy it is, and within which limits. */
export default function Overview(): ReactNode {
  const info = useInfo();
  if (!info) return <Loading />;
  return (
    <div className={layout['stack']}>
      <div className={layout['halves']}>
        <ServiceCard />
        <ModelCard />
      </div>
      <Load />
      <Limits limits={info.limits} />
    </div>
  );
}

function ServiceCard(): ReactNode {
  const t = useMessages().operations.overview;
  const format = useFormat();
  const api = useApi();
  const info = useInfo();
  const ready = useQuery({
    queryKey: ['ready'],
    queryFn: ({ signal }) => api.call('getReady', {}, { signal }),
    refetchInterval: READ_EVERY_MS,
  });
  if (!info) return null;
  const parts = Object.entries(ready.data?.details ?? {});
  const aside = parts.map(([, part]) => part['setAside']).find((count) => typeof count === 'number' && count > 0);
  return (
    <Card
      title={t.service}
      actions={
        ready.isPending ? undefined : (
          <Badge tone={ready.isSuccess ? 'good' : 'bad'}>{ready.isSuccess ? t.ready : t.notReady}</Badge>
        )
      }
    >
      <dl className={css['facts']}>
        <dt>{t.version}</dt>
        <dd>{info.version}</dd>
        <dt>{t.state}</dt>
        <dd>{t.states[info.state]}</dd>
        <dt>{t.uptime}</dt>
        <dd className="numeric">{format.duration(info.uptimeSeconds)}</dd>
        <dt>{t.decoders}</dt>
        <dd>{t.decoderKinds[info.decoders]}</dd>
        {parts.map(([name, { status }]) => (
          <div key={name} className={css['fact']}>
            <dt>{t.checks[name] ?? name}</dt>
            <dd>{status === 'up' ? t.up : t.down}</dd>
          </div>
        ))}
      </dl>
      {info.state !== 'ready' && <Notice tone="info">{info.message}</Notice>}
      {typeof aside === 'number' && <Notice tone="warn">{t.setAside(format.number(aside))}</Notice>}
    </Card>
  );
}

function ModelCard(): ReactNode {
  const t = useMessages().operations.overview;
  const format = useFormat();
  const info = useInfo();
  if (!info) return null;
  const { model, speech } = info;
  const yes = (is: boolean): string => (is ? t.yes : t.no);
  return (
    <Card title={t.model}>
      {model && (
        <dl className={css['facts']}>
          <dt>{t.name}</dt>
          <dd className="mono">{model.name}</dd>
          <dt>{t.family}</dt>
          <dd>{model.family}</dd>
          <dt>{t.device}</dt>
          <dd>
            {model.device} {model.deviceNote !== '' && <span className="muted">{model.deviceNote}</span>}
          </dd>
          <dt>{t.precision}</dt>
          <dd>{model.precision}</dd>
          <dt>{t.workers}</dt>
          <dd>{format.number(model.workers)}</dd>
          <dt>{t.trained}</dt>
          <dd>{yes(model.trained)}</dd>
          <dt>{t.calibrated}</dt>
          <dd>{yes(model.calibrated)}</dd>
        </dl>
      )}
      <h3>{t.speech}</h3>
      <dl className={css['facts']}>
        <dt>{t.speechMatch}</dt>
        <dd>{format.seconds(speech.matchSeconds)}</dd>
        <dt>{t.speechUpdate}</dt>
        <dd>{format.seconds(speech.updateSeconds)}</dd>
        <dt>{t.speechCreate}</dt>
        <dd>{format.seconds(speech.createSeconds)}</dd>
      </dl>
      {model?.better && (
        <Notice tone="info">
          <span>{t.better(model.better.model)}</span>
          <code>{model.better.command}</code>
        </Notice>
      )}
    </Card>
  );
}

function Load(): ReactNode {
  const t = useMessages().operations.overview;
  const textOf = useErrorText();
  const metrics = useMetrics();
  if (!metrics.allowed) return <Notice tone="info">{t.bound}</Notice>;
  if (metrics.error) return <Notice tone="warn">{textOf(metrics.error)}</Notice>;
  if (!metrics.data) return <Loading />;
  return (
    <>
      <div className={layout['halves']}>
        <QueueCard readings={metrics.data.readings} />
        <LatencyCard readings={metrics.data.readings} />
      </div>
      <p className={layout['fine']}>{t.live}</p>
    </>
  );
}

function QueueCard({ readings }: { readings: readonly Reading[] }): ReactNode {
  const t = useMessages().operations.overview;
  const format = useFormat();
  const data = useMemo(
    (): uPlot.AlignedData => [
      readings.map(({ at }) => at),
      readings.map(({ waiting }) => waiting),
      readings.map(({ running }) => running),
    ],
    [readings],
  );
  const text = useCallback((value: number) => (Number.isInteger(value) ? format.number(value) : ''), [format]);
  const options = useTimeOptions(t.waiting, t.running, 4, text);
  const last = readings.at(-1);
  if (!last) return null;
  const limit = last.limit === null ? '–' : format.number(last.limit);
  const hint = t.queueHint(format.number(last.waiting), limit, format.number(last.running));
  return (
    <Card title={t.queue}>
      <p className="numeric">{hint}</p>
      <Chart label={`${t.queue}: ${hint}`} height={CHART_HEIGHT} data={data} options={options} />
      <Legend first={t.waiting} second={t.running} />
    </Card>
  );
}

function LatencyCard({ readings }: { readings: readonly Reading[] }): ReactNode {
  const t = useMessages().operations.overview;
  const format = useFormat();
  const data = useMemo(
    (): uPlot.AlignedData => [
      readings.map(({ at }) => at),
      readings.map(({ median }) => median),
      readings.map(({ high }) => high),
    ],
    [readings],
  );
  const text = useCallback((value: number) => format.seconds(value, 3), [format]);
  const options = useTimeOptions(t.median, t.high, 0.01, text);
  const last = readings.findLast(({ median }) => median !== null);
  const hint = last ? t.latencyHint(format.seconds(last.median!, 3), format.seconds(last.high!, 3)) : t.latencyNone;
  return (
    <Card title={t.latency}>
      <p className="numeric">{hint}</p>
      <Chart label={`${t.latency}: ${hint}`} height={CHART_HEIGHT} data={data} options={options} />
      <Legend first={t.median} second={t.high} />
    </Card>
  );
}

/** Two lines over time, from nothing upwards, at least as far as `least`. */
function useTimeOptions(
  first: string,
  second: string,
  least: number,
  text: (value: number) => string,
): (colour: ColourOf) => Omit<uPlot.Options, 'width' | 'height'> {
  const { locale } = useFormat();
  return useMemo(() => {
    const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
    return (colour) => ({
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: (_, first, last) => [Math.min(first, last - LEAST_SECONDS), last] },
        y: { range: (_, _lowest, most) => [0, Math.max(most || 0, least) * 1.15] },
      },
      axes: [
        axisOf(colour, { values: (_, ticks) => ticks.map((tick) => clock.format(tick * 1000)), space: 90 }),
        axisOf(colour, { values: (_, ticks) => ticks.map(text), size: 70 }),
      ],
      series: [
        {},
        { label: first, stroke: colour('--accent'), width: 2, spanGaps: true, points: { show: true, size: 4 } },
        { label: second, stroke: colour('--warn'), width: 2, spanGaps: true, points: { show: true, size: 4 } },
      ],
    });
  }, [first, second, least, text, locale]);
}

function Legend({ first, second }: { first: string; second: string }): ReactNode {
  return (
    <p className={layout['legend']}>
      <span className={layout['mark']} data-of="first" aria-hidden /> {first}
      <span className={layout['mark']} data-of="second" aria-hidden /> {second}
    </p>
  );
}

function Limits({ limits }: { limits: Readonly<Record<string, unknown>> }): ReactNode {
  const t = useMessages().operations.overview;
  const format = useFormat();
  const textOf = (name: string, value: unknown): string => {
    if (typeof value !== 'number') return typeof value === 'string' ? value : JSON.stringify(value);
    if (/bytes/i.test(name)) return format.bytes(value);
    return /seconds/i.test(name) ? format.seconds(value) : format.number(value, 3);
  };
  return (
    <Card title={t.limits}>
      <p className={layout['fine']}>{t.limitsHint}</p>
      <dl className={css['limits']}>
        {Object.entries(limits).map(([name, value]) => (
          <div key={name} className={css['fact']}>
            <dt className="mono">{name}</dt>
            <dd className="numeric">{textOf(name, value)}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
