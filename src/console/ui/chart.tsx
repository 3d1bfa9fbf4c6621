import { useEffect, useRef, useState, type ReactNode } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { colourOf, type ColourOf } from './colours.js';
import { useTheme } from './use-theme.js';
import css from './chart.module.css';

interface ChartProps {
  /** What it shows, for whoever does not see it: the numbers themselves stand beside it. */
  label: string;
  height: number;
  data: uPlot.AlignedData;
  /** All but size; made anew with the colours of the page. The function is to stay the same while its answer does. */
  options: (colourOf: ColourOf) => Omit<uPlot.Options, 'width' | 'height'>;
  /** Given the chart once it is there. */
  onReady?: (chart: uPlot) => (() => void) | undefined;
}

/** A chart that is as wide as its place, in the colours of the page. */
export function Chart({ label, height, data, options, onReady }: ChartProps): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef(data);
  const [width, setWidth] = useState(0);
  const theme = useTheme();

  useEffect(() => {
    latest.current = data;
    chart.current?.setData(data);
  }, [data]);

  useEffect(() => {
    const { current } = box;
    if (!current) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(current);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const { current } = box;
    if (!current || width === 0) return undefined;
    const made = new uPlot({ ...options(colourOf(current)), width, height }, latest.current, current);
    chart.current = made;
    const end = onReady?.(made);
    return () => {
      end?.();
      chart.current = null;
      made.destroy();
    };
  }, [width, height, options, onReady, theme]);

  return <div ref={box} className={css['chart']} role="img" aria-label={label} style={{ minHeight: height }} />;
}

/** An axis in the colours of the page. */
export function axisOf(colour: ColourOf, more: uPlot.Axis = {}): uPlot.Axis {
  return {
    stroke: colour('--text-2'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
    ...more,
  };
}
