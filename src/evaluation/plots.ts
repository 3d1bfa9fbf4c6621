import { probit } from './probit.js';
import { operatingPoints, type ScoredTrials } from './scores.js';

/** A curve of a detection error trade-off plot. */
export interface DetCurve {
  name: string;
  trials: ScoredTrials;
  weights?: Float64Array;
}

const WIDTH = 640;
const HEIGHT = 520;
const MARGIN = { left: 70, right: 20, top: 40, bottom: 60 };
// Okabe and Ito's colours, which most people can tell apart.
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#999933'];

/** Density of target and impostor scores over `bins` equal bins, as an SVG. */
export function histogramSvg(trials: ScoredTrials, title: string, axis: string, bins = 60): string {
  const high = trials.scores[0]!;
  const low = trials.scores[trials.length - 1]!;
  const span = high - low || 1;
  const shares = [new Float64Array(bins), new Float64Array(bins)];
  const totals = [trials.impostorCount, trials.targetCount];
  for (let i = 0; i < trials.length; i++) {
    const bin = Math.min(bins - 1, Math.floor(((trials.scores[i]! - low) / span) * bins));
    shares[trials.targets[i]!]![bin]! += 1 / totals[trials.targets[i]!]!;
  }
  const top = 1.15 * Math.max(...shares[0]!, ...shares[1]!);
  const plot = new Plot(title, axis, 'share of trials');
  const x = plot.horizontal(low, high);
  const y = plot.vertical(0, top);
  for (const tick of ticks(low, high)) plot.tickX(x(tick), format(tick));
  for (const tick of ticks(0, top)) plot.tickY(y(tick), percent(tick));
  for (const [kind, name] of ['impostors', 'targets'].entries()) {
    const colour = COLOURS[kind === 0 ? 1 : 0]!;
    const corners: [number, number][] = [[x(low), y(0)]];
    shares[kind]!.forEach((share, bin) => {
      corners.push([x(low + (bin * span) / bins), y(share)], [x(low + ((bin + 1) * span) / bins), y(share)]);
    });
    corners.push([x(high), y(0)]);
    plot.line(corners, colour, `fill="${colour}" fill-opacity="0.25"`);
    plot.legend(`${name} (${totals[kind]!.toLocaleString('en-GB')})`, colour);
  }
  return plot.svg();
}

/** Room for names beside the trade-off, whose curves fill the plot itself. */
const DET_LEGEND = 290;

/** Rates shown on the axes of the trade-off. */
const DET_RATES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4];

/** Detection error trade-off (Martin et al., 1997): false rejections over false acceptances, both as normal deviates. */
export function detSvg(curves: readonly DetCurve[], title: string): string {
  const plot = new Plot(title, 'false acceptance rate', 'false rejection rate', DET_LEGEND);
  const [from, to] = [probit(0.0008), probit(0.5)];
  const x = plot.horizontal(from, to);
  const y = plot.vertical(from, to);
  for (const rate of DET_RATES) {
    plot.tickX(x(probit(rate)), percent(rate));
    plot.tickY(y(probit(rate)), percent(rate));
  }
  plot.line(
    [
      [x(from), y(from)],
      [x(to), y(to)],
    ],
    '#bbbbbb',
    'fill="none" stroke-dasharray="4 4"',
  );
  const clamp = (rate: number): number => Math.max(from, Math.min(to, probit(rate)));
  for (const [i, { name, trials, weights }] of curves.entries()) {
    const colour = COLOURS[i % COLOURS.length]!;
    const path: [number, number][] = [];
    for (const { far, frr } of operatingPoints(trials, weights)) {
      const point: [number, number] = [x(clamp(far)), y(clamp(frr))];
      const last = path.at(-1);
      // Points closer than half a pixel do not show.
      if (!last || Math.hypot(point[0] - last[0], point[1] - last[1]) > 0.5) path.push(point);
    }
    const dashes = i < COLOURS.length ? '' : ' stroke-dasharray="7 3"';
    plot.line(path, colour, `fill="none"${dashes}`);
    plot.legend(name, colour, dashes);
  }
  return plot.svg();
}

/** An SVG as PNG at twice its size. Texts need a font on the machine; without one they are missing. */
export async function pngOf(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js');
  return new Resvg(svg, { fitTo: { mode: 'zoom', value: 2 }, background: 'white' }).render().asPng();
}

class Plot {
  private readonly parts: string[] = [];
  private entries = 0;

  /** `legend`: pixels beside the plot for names; without any they stand in the plot's corner. */
  constructor(
    title: string,
    axisX: string,
    axisY: string,
    private readonly legendWidth = 0,
  ) {
    const middleX = (MARGIN.left + WIDTH - MARGIN.right) / 2;
    const middleY = (MARGIN.top + HEIGHT - MARGIN.bottom) / 2;
    this.parts.push(
      `<rect x="${MARGIN.left}" y="${MARGIN.top}" width="${WIDTH - MARGIN.left - MARGIN.right}" ` +
        `height="${HEIGHT - MARGIN.top - MARGIN.bottom}" fill="none" stroke="#333333"/>`,
      text(middleX, 24, title, 'middle', 'font-size="15"'),
      text(middleX, HEIGHT - 16, axisX, 'middle'),
      text(18, middleY, axisY, 'middle', `transform="rotate(-90 18 ${middleY})"`),
    );
  }

  horizontal(low: number, high: number): (value: number) => number {
    const span = high - low || 1;
    return (value) => MARGIN.left + ((value - low) / span) * (WIDTH - MARGIN.left - MARGIN.right);
  }

  vertical(low: number, high: number): (value: number) => number {
    const span = high - low || 1;
    return (value) => HEIGHT - MARGIN.bottom - ((value - low) / span) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  }

  tickX(at: number, label: string): void {
    this.parts.push(
      `<path d="M${round(at)} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}" stroke="#eeeeee"/>`,
      text(at, HEIGHT - MARGIN.bottom + 18, label, 'middle'),
    );
  }

  tickY(at: number, label: string): void {
    this.parts.push(
      `<path d="M${MARGIN.left} ${round(at)}H${WIDTH - MARGIN.right}" stroke="#eeeeee"/>`,
      text(MARGIN.left - 8, at + 4, label, 'end'),
    );
  }

  line(points: readonly (readonly [number, number])[], colour: string, style: string): void {
    const path = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');
    this.parts.push(`<path d="${path}" stroke="${colour}" stroke-width="1.6" ${style}/>`);
  }

  legend(name: string, colour: string, style = ''): void {
    const y = MARGIN.top + 18 + 18 * this.entries++;
    const beside = this.legendWidth > 0;
    const x = beside ? WIDTH + 14 : WIDTH - MARGIN.right - 14;
    this.parts.push(
      `<path d="M${x - 18} ${y - 4}H${x}" stroke="${colour}" stroke-width="3"${style}/>`,
      beside ? text(x + 8, y, name, 'start') : text(x - 26, y, name, 'end'),
    );
  }

  svg(): string {
    const width = WIDTH + this.legendWidth;
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}" viewBox="0 0 ${width} ${HEIGHT}" ` +
      `font-family="DejaVu Sans, Liberation Sans, Helvetica, Arial, sans-serif" font-size="12" fill="#222222">\n` +
      `<rect width="100%" height="100%" fill="white"/>\n${this.parts.join('\n')}\n</svg>\n`
    );
  }
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end', more = ''): string {
  const safe = content.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" ${more}>${safe}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Four to eight round numbers in [low, high]. */
function ticks(low: number, high: number): number[] {
  const span = high - low || 1;
  const size = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * size).find((candidate) => span / candidate <= 8)!;
  const found: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high + step / 1e6; i++) found.push(i * step);
  return found;
}

function format(value: number): string {
  return String(Math.round(value * 1e6) / 1e6);
}

function percent(share: number): string {
  return `${format(100 * share)} %`;
}
