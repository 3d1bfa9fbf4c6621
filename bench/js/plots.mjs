// Plots of the results, as SVG.

const FONT = 'font-family="DejaVu Sans, Liberation Sans, Helvetica, Arial, sans-serif" font-size="12" fill="#222222"';
// Okabe and Ito's colours, which most people can tell apart.
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

const escaped = (/** @type {string} */ content) =>
  content.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {'start' | 'middle' | 'end'} anchor
 * @param {string} [more]
 */
const text = (x, y, content, anchor, more = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" ${more}>${escaped(content)}</text>`;

/**
 * @param {number} width
 * @param {number} height
 * @param {string[]} parts
 */
const svg = (width, height, parts) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ${FONT}>\n` +
  `<rect width="100%" height="100%" fill="white"/>\n${parts.join('\n')}\n</svg>\n`;

/**
 * Round numbers from 0 on.
 * @param {number} high
 */
function ticks(high) {
  const rough = high / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, i) => i * step);
}

/**
 * Horizontal bars, a panel beside the other; bars of one group have one colour. A whisker is the range of the rounds.
 * @param {string} title
 * @param {{ name: string, bars: { name: string, group: string, value: number, low: number, high: number }[] }[]} panels
 *   the same bars in each
 */
export function barPanels(title, panels) {
  const [left, top, bar, inner, gap] = [270, 64, 22, 200, 30];
  const bars = panels[0]?.bars ?? [];
  const groups = [...new Set(bars.map(({ group }) => group))];
  const bottom = top + bar * bars.length;
  const width = left + panels.length * (inner + gap);
  const parts = [text(width / 2, 24, title, 'middle', 'font-size="15"')];
  for (const [i, { name }] of bars.entries()) parts.push(text(left - 8, top + bar * i + 15, name, 'end'));
  for (const [p, panel] of panels.entries()) {
    const from = left + p * (inner + gap);
    const high = 1.15 * Math.max(...panel.bars.map((each) => each.high));
    const x = (/** @type {number} */ value) => from + (value / high) * inner;
    parts.push(text(from + inner / 2, top - 12, panel.name, 'middle'));
    for (const tick of ticks(high)) {
      parts.push(`<path d="M${x(tick).toFixed(1)} ${top}V${bottom}" stroke="#eeeeee"/>`);
      parts.push(text(x(tick), bottom + 16, String(Number(tick.toPrecision(3))), 'middle', 'font-size="10"'));
    }
    for (const [i, { group, value, low, high: most }] of panel.bars.entries()) {
      const y = top + bar * i;
      const colour = COLOURS[groups.indexOf(group) % COLOURS.length];
      parts.push(
        `<rect x="${from}" y="${y + 3}" width="${(x(value) - from).toFixed(1)}" height="${bar - 6}" fill="${colour}"/>`,
        `<path d="M${x(low).toFixed(1)} ${y + bar / 2}H${x(most).toFixed(1)}" stroke="#222222"/>`,
        text(x(most) + 4, y + 15, value.toPrecision(3), 'start', 'font-size="10"'),
      );
    }
  }
  return svg(width, bottom + 30, parts);
}

/**
 * A line over x from 0 on, y from 0 on.
 * @param {{ title: string, axisX: string, axisY: string, points: [number, number][] }} plot
 */
export function linePlot({ title, axisX, axisY, points }) {
  const [width, height, left, right, top, bottom] = [720, 400, 70, 20, 40, 56];
  const highX = Math.max(...points.map(([x]) => x));
  const highY = 1.1 * Math.max(...points.map(([, y]) => y));
  const x = (/** @type {number} */ value) => left + (value / highX) * (width - left - right);
  const y = (/** @type {number} */ value) => height - bottom - (value / highY) * (height - top - bottom);
  const parts = [
    text(width / 2, 24, title, 'middle', 'font-size="15"'),
    text((left + width - right) / 2, height - 14, axisX, 'middle'),
    text(18, (top + height - bottom) / 2, axisY, 'middle', `transform="rotate(-90 18 ${(top + height - bottom) / 2})"`),
  ];
  for (const tick of ticks(highX)) {
    parts.push(`<path d="M${x(tick).toFixed(1)} ${top}V${height - bottom}" stroke="#eeeeee"/>`);
    parts.push(text(x(tick), height - bottom + 18, String(tick), 'middle'));
  }
  for (const tick of ticks(highY)) {
    parts.push(`<path d="M${left} ${y(tick).toFixed(1)}H${width - right}" stroke="#eeeeee"/>`);
    parts.push(text(left - 8, y(tick) + 4, String(tick), 'end'));
  }
  const path = points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join('');
  parts.push(`<path d="${path}" fill="none" stroke="${COLOURS[0]}" stroke-width="1.4"/>`);
  return svg(width, height, parts);
}
