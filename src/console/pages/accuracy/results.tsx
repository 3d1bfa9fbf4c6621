import { useCallback, useMemo, useState, type ReactNode } from 'react';
import uPlot from 'uplot';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Card } from '../../ui/card.js';
import { axisOf, Chart } from '../../ui/chart.js';
import type { ColourOf } from '../../ui/colours.js';
import { TextField } from '../../ui/field.js';
import { Notice } from '../../ui/notice.js';
import { RATE_BOUNDS } from '../../../scoring/impostor-tail.js';
import { countOf, pointFor, rateAt, TRIES, type Point } from './decision.js';
import { DetChart } from './det-chart.js';
import type { Measures } from './measures.js';
import layout from '../../styles/layout.module.css';
import css from './accuracy.module.css';

const MOST_PEOPLE = 1_000_000;
/** Errors behind a rate below which it is a guess, as docs/accuracy.md has it. */
const LEAST_ERRORS = 30;
const USUAL_RATE = 0.01;

/** Steps of the slider over the rates, each the same factor. */
const STEPS = 400;
const SPAN = Math.log(RATE_BOUNDS.most / RATE_BOUNDS.least);

interface ResultsProps {
  measures: Measures;
  /** Of a list that was dropped, or of the people who are enrolled. */
  of: 'list' | 'people';
}

/** What trials say: rates, densities, and a point of decision to move. */
export function Results({ measures, of }: ResultsProps): ReactNode {
  const [people, setPeople] = useState('1');
  const [rate, setRate] = useState<number>(USUAL_RATE);
  const size = Number(people);
  const right = people.trim() !== '' && Number.isInteger(size) && size >= 1 && size <= MOST_PEOPLE;
  const gallery = right ? size : 1;
  const point = useMemo(() => pointFor(measures, rate, gallery), [measures, rate, gallery]);
  const drag = useCallback((position: number) => setRate(rateAt(measures, position, gallery)), [measures, gallery]);
  return (
    <>
      <div className={layout['halves']}>
        <Numbers measures={measures} />
        <Decide
          measures={measures}
          point={point}
          rate={rate}
          onRate={setRate}
          people={people}
          onPeople={setPeople}
          wrong={!right}
          gallery={gallery}
          of={of}
        />
      </div>
      <div className={layout['halves']}>
        <Histogram measures={measures} threshold={point.threshold} />
        <DetChart measures={measures} point={point} onMove={drag} />
      </div>
    </>
  );
}

function Numbers({ measures }: { measures: Measures }): ReactNode {
  const t = useMessages().accuracy.numbers;
  const format = useFormat();
  const { targets, impostors, eer, costs, cllr, heldOutCllr, minCllr } = measures;
  const bits = (value: number): string => `${format.number(value, 3)} ${t.of}`;
  return (
    <Card title={t.title}>
      <dl className={css['numbers']}>
        <dt>{t.trials}</dt>
        <dd>{t.trialCounts(format.number(targets), format.number(impostors))}</dd>
        <dt>{t.eer}</dt>
        <dd>
          <strong className={css['large']}>{format.percent(eer, 3)}</strong>
          <span className={layout['fine']}>{t.eerHint}</span>
        </dd>
        {costs.map(({ prior, minDcf }) => (
          <div key={prior} className={css['fact']}>
            <dt>{t.minDcf(format.percent(prior))}</dt>
            <dd>{format.number(minDcf, 3)}</dd>
          </div>
        ))}
        {cllr !== null && (
          <>
            <dt>{t.cllr}</dt>
            <dd>{bits(cllr)}</dd>
          </>
        )}
        {heldOutCllr !== null && (
          <>
            <dt>{t.heldOutCllr}</dt>
            <dd>{bits(heldOutCllr)}</dd>
          </>
        )}
        <dt>{t.minCllr}</dt>
        <dd>{bits(minCllr)}</dd>
      </dl>
      {eer * Math.min(targets, impostors) < LEAST_ERRORS && (
        <Notice tone="warn">{t.few(format.number(LEAST_ERRORS))}</Notice>
      )}
    </Card>
  );
}

interface DecideProps extends ResultsProps {
  point: Point;
  rate: number;
  onRate: (rate: number) => void;
  people: string;
  onPeople: (people: string) => void;
  wrong: boolean;
  gallery: number;
}

function Decide(props: DecideProps): ReactNode {
  const { measures, point, rate, onRate, people, onPeople, wrong, gallery, of } = props;
  const t = useMessages().accuracy.decide;
  const format = useFormat();
  const step = Math.round((Math.log(rate / RATE_BOUNDS.least) / SPAN) * STEPS);
  const tries = (share: number): string => {
    const count = countOf(share);
    return count === 0 && share > 0 ? t.below : format.number(count);
  };
  return (
    <Card title={t.title}>
      <TextField
        label={t.people}
        inputMode="numeric"
        error={wrong ? t.peopleWrong : undefined}
        value={people}
        onChange={onPeople}
      />
      <label className={css['slider']}>
        <span>{t.rate}</span>
        <input
          type="range"
          min={0}
          max={STEPS}
          value={step}
          aria-valuetext={`${tries(rate)}, ${t.rateText(format.percent(rate))}`}
          onChange={(event) => {
            onRate(RATE_BOUNDS.least * Math.exp((Number(event.target.value) / STEPS) * SPAN));
          }}
        />
        <output className="numeric">
          {format.number(rate * TRIES, rate * TRIES < 1 ? 3 : 1)} · {t.rateText(format.percent(rate))}
        </output>
      </label>
      <section className={css['counts']} aria-live="polite">
        <h3>{t.of(format.number(gallery))}</h3>
        <p>
          <strong className={css['large']}>{tries(point.perRequest)}</strong> {t.falseAccepts}
        </p>
        <p>
          <strong className={css['large']}>{tries(point.frr)}</strong> {t.misses}
        </p>
        <p>
          {t.threshold}{' '}
          <strong className="numeric">
            {Number.isFinite(point.threshold) ? format.number(point.threshold, 3) : '∞'}
          </strong>
        </p>
      </section>
      <p className={layout['fine']}>{measures.tail ? t.policy : t.observed}</p>
      {point.extrapolated && <Notice tone="warn">{t.extrapolated}</Notice>}
      {of === 'list' && <p className={layout['fine']}>{t.saving}</p>}
      {measures.heldOutCllr !== null && <p className={layout['fine']}>{t.learnedOn}</p>}
    </Card>
  );
}

function Histogram({ measures, threshold }: { measures: Measures; threshold: number }): ReactNode {
  const t = useMessages().accuracy.histogram;
  const format = useFormat();
  const { edges, same, strangers } = measures.histogram;
  const data = useMemo((): uPlot.AlignedData => {
    // Steps: each share stands from its lower edge to its upper one.
    const close = (shares: Float64Array): number[] => [...shares, shares.at(-1) ?? 0];
    return [[...edges], close(strangers), close(same)];
  }, [edges, same, strangers]);
  const options = useCallback(
    (colour: ColourOf): Omit<uPlot.Options, 'width' | 'height'> => ({
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false }, y: { range: (_, _least, most) => [0, most * 1.1 || 1] } },
      axes: [
        axisOf(colour, {
          label: t.axis,
          labelSize: 22,
          values: (_, ticks) => ticks.map((tick) => format.number(tick, 2)),
        }),
        axisOf(colour, { values: (_, ticks) => ticks.map((tick) => format.percent(tick)), size: 60 }),
      ],
      series: [
        {},
        { label: t.different, stroke: colour('--warn'), fill: colour('--warn-soft'), paths: stepped(), width: 2 },
        { label: t.same, stroke: colour('--accent'), fill: colour('--accent-soft'), paths: stepped(), width: 2 },
      ],
      hooks: { draw: [(chart) => drawThreshold(chart, threshold, colour('--text'))] },
    }),
    [t, format, threshold],
  );
  const text = Number.isFinite(threshold) ? format.number(threshold, 3) : '∞';
  return (
    <Card title={t.title}>
      <Chart label={t.label(text)} height={320} data={data} options={options} />
      <p className={layout['legend']}>
        <span className={layout['mark']} data-of="first" aria-hidden /> {t.same}
        <span className={layout['mark']} data-of="second" aria-hidden /> {t.different}
        <span className={layout['mark']} data-of="third" aria-hidden /> {t.threshold} {text}
      </p>
    </Card>
  );
}

/** A share stands from one edge to the next. */
function stepped(): uPlot.Series.PathBuilder {
  return uPlot.paths.stepped!({ align: 1 });
}

/** A line where decisions are made. */
function drawThreshold(chart: uPlot, threshold: number, colour: string): void {
  if (!Number.isFinite(threshold)) return;
  const { ctx, bbox } = chart;
  const x = Math.round(chart.valToPos(threshold, 'x', true));
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.fillStyle = colour;
  ctx.fillRect(x - 1, bbox.top, 2, bbox.height);
}
