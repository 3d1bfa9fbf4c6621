import { useCallback, useEffect, useMemo, useRef, type ReactNode } from 'react';
import type uPlot from 'uplot';
import { probit } from '../../../evaluation/probit.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Card } from '../../ui/card.js';
import { axisOf, Chart } from '../../ui/chart.js';
import type { ColourOf } from '../../ui/colours.js';
import type { Point } from './decision.js';
import { DET_RATES, detPoints, deviate, nearestPosition } from './det-points.js';
import type { Measures } from './measures.js';
import layout from '../../styles/layout.module.css';

/** Pixels of the plot below which every other rate is named. */
const NARROW = 320;

interface DetChartProps {
  measures: Measures;
  point: Point;
  /** Moved along the curve; a position of it. */
  onMove: (position: number) => void;
}

/** False rejections over false acceptances, both as normal deviates, with the point of decision to drag. */
export function DetChart({ measures, point, onMove }: DetChartProps): ReactNode {
  const t = useMessages().accuracy.det;
  const format = useFormat();
  const chart = useRef<uPlot | null>(null);
  const shown = useRef(point);
  const { curve } = measures;
  const points = useMemo(() => detPoints(curve), [curve]);
  const data = useMemo((): uPlot.AlignedData => [points.x, points.y], [points]);

  useEffect(() => {
    shown.current = point;
    chart.current?.redraw(false);
  }, [point]);

  const options = useCallback(
    (colour: ColourOf): Omit<uPlot.Options, 'width' | 'height'> => {
      const range = (): [number, number] => [deviate(0), deviate(1)];
      const axis = {
        splits: () => DET_RATES.map(probit),
        values: (drawn: uPlot) => {
          const narrow = drawn.bbox.width / (window.devicePixelRatio || 1) < NARROW;
          return DET_RATES.map((rate, i) => (narrow && i % 2 === 1 ? '' : format.percent(rate)));
        },
        labelSize: 22,
      };
      return {
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range }, y: { range } },
        axes: [axisOf(colour, { ...axis, label: t.far }), axisOf(colour, { ...axis, label: t.frr, size: 60 })],
        series: [{}, { stroke: colour('--accent'), width: 2.5, points: { show: false } }],
        hooks: {
          draw: [
            (drawn) => {
              const { far, frr } = shown.current;
              const { ctx } = drawn;
              const scale = window.devicePixelRatio || 1;
              ctx.beginPath();
              ctx.arc(
                drawn.valToPos(deviate(far), 'x', true),
                drawn.valToPos(deviate(frr), 'y', true),
                8 * scale,
                0,
                2 * Math.PI,
              );
              ctx.fillStyle = colour('--bad');
              ctx.strokeStyle = colour('--surface');
              ctx.lineWidth = 2 * scale;
              ctx.fill();
              ctx.stroke();
            },
          ],
        },
      };
    },
    [t, format],
  );

  const onReady = useCallback(
    (made: uPlot) => {
      chart.current = made;
      const move = (event: PointerEvent): void => {
        if (event.buttons !== 1 && event.type !== 'pointerdown') return;
        const { left, top } = made.over.getBoundingClientRect();
        const [x, y] = [made.posToVal(event.clientX - left, 'x'), made.posToVal(event.clientY - top, 'y')];
        onMove(nearestPosition(points, x, y));
      };
      const down = (event: PointerEvent): void => {
        if (event.button !== 0) return;
        made.over.setPointerCapture(event.pointerId);
        move(event);
      };
      made.over.style.cursor = 'grab';
      made.over.style.touchAction = 'none';
      made.over.addEventListener('pointerdown', down);
      made.over.addEventListener('pointermove', move);
      return () => {
        chart.current = null;
      };
    },
    [points, onMove],
  );

  return (
    <Card title={t.title}>
      <Chart
        label={t.label(format.percent(point.far), format.percent(point.frr))}
        height={380}
        data={data}
        options={options}
        onReady={onReady}
      />
      <p className={layout['fine']}>{t.drag}</p>
    </Card>
  );
}
