import { describe, expect, it } from '@jest/globals';
import { detSvg, histogramSvg, pngOf } from './plots.js';
import { probit } from './probit.js';
import { ScoredTrials } from './scores.js';
import { gaussianQuantiles, labelled, normalCdf } from './testing.js';

const { scores, labels } = labelled(gaussianQuantiles(500, 2), gaussianQuantiles(2000, 0));
const trials = new ScoredTrials(scores, labels);

function pathsOf(svg: string, colour: string): [number, number][][] {
  return [...svg.matchAll(new RegExp(`<path d="([^"]+)" stroke="${colour}" stroke-width="1.6"`, 'g'))].map(([, path]) =>
    path!
      .split(/[ML]/)
      .slice(1)
      .map((point) => point.split(' ').map(Number) as [number, number]),
  );
}

describe('detSvg', () => {
  it('draws Gaussian scores of one deviation as a straight line of slope -1', () => {
    const [path] = pathsOf(detSvg([{ name: 'a <b>', trials }], 'T & T'), '#0072b2');
    const inner = path!.filter(([x, y]) => x > 90 && x < 600 && y > 60 && y < 440);
    // Both axes have one scale in deviates; the plot is 550 wide and 420 high.
    const slopes = inner.slice(10).map(([x, y], i) => (((y - inner[i]![1]) / (x - inner[i]![0])) * 550) / 420);
    const mean = slopes.reduce((sum, slope) => sum + slope, 0) / slopes.length;
    expect(mean).toBeGreaterThan(0.85);
    expect(mean).toBeLessThan(1.15);
  });

  it('is well-formed whatever the names', () => {
    expect(detSvg([{ name: 'a <b>', trials }], 'T & T')).toContain('a &lt;b&gt;');
  });
});

describe('histogramSvg', () => {
  it('draws areas of equal size, whatever the number of trials', () => {
    const svg = histogramSvg(trials, 'scores', 'cosine');
    const areas = ['#d55e00', '#0072b2'].map((colour) =>
      pathsOf(svg, colour)[0]!.reduce((sum, [x, y], i, path) => {
        const [nextX] = path[i + 1] ?? [x];
        return sum + (nextX - x) * (460 - y);
      }, 0),
    );
    expect(areas[0]! / areas[1]!).toBeCloseTo(1, 1);
  });

  it('stands scores that are all equal', () => {
    expect(histogramSvg(new ScoredTrials([1, 1], [1, 0]), 't', 'x')).not.toMatch(/NaN|Infinity/);
  });
});

it('pngOf renders at twice the size', async () => {
  const png = Buffer.from(await pngOf(histogramSvg(trials, 'scores', 'cosine')));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1280, 1040]);
});

it('probit inverts the normal distribution function', () => {
  for (const x of [-3.5, -2, -0.3, 0, 0.7, 2.2]) expect(probit(normalCdf(x))).toBeCloseTo(x, 6);
});
