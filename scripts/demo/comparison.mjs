// What pairs of recordings say about voices.

/** @typedef {{ speaker: string, embedding: Float32Array }} Sample */

/**
 * Cosines of all pairs of recordings, by whether the voice is the same; each list sorted upwards.
 * @param {Sample[]} samples
 * @param {(a: Float32Array, b: Float32Array) => number} cosine
 */
export function comparePairs(samples, cosine) {
  /** @type {Map<string, number[]>} "a b", in the order of appearance */
  const bySpeakers = new Map();
  /** @type {number[]} */
  const same = [];
  /** @type {number[]} */
  const different = [];
  samples.forEach((a, i) => {
    for (const b of samples.slice(i + 1)) {
      const score = cosine(a.embedding, b.embedding);
      (a.speaker === b.speaker ? same : different).push(score);
      const key = `${a.speaker} ${b.speaker}`;
      bySpeakers.set(key, [...(bySpeakers.get(key) ?? []), score]);
    }
  });
  return { same: same.sort((a, b) => a - b), different: different.sort((a, b) => a - b), bySpeakers };
}

/**
 * A table of mean cosines, speakers against speakers; the diagonal is the same voice.
 * @param {string[]} speakers
 * @param {Map<string, number[]>} bySpeakers
 */
export function cosineTable(speakers, bySpeakers) {
  const width = Math.max(7, ...speakers.map((name) => name.length + 2));
  const cell = (/** @type {string} */ row, /** @type {string} */ column) => {
    const scores = bySpeakers.get(`${row} ${column}`) ?? bySpeakers.get(`${column} ${row}`) ?? [];
    return scores.length > 0 ? (scores.reduce((sum, score) => sum + score, 0) / scores.length).toFixed(2) : '-';
  };
  const header = ['', ...speakers].map((text) => text.padStart(width)).join('');
  const rows = speakers.map((row) =>
    [row, ...speakers.map((column) => cell(row, column))].map((text) => text.padStart(width)).join(''),
  );
  return [header, ...rows].join('\n');
}

/**
 * How well one threshold would tell the voices apart, in words.
 * @param {number[]} same sorted upwards
 * @param {number[]} different sorted upwards
 */
export function separation(same, different) {
  const range = (/** @type {number[]} */ scores) =>
    `${(scores[0] ?? NaN).toFixed(2)} to ${(scores.at(-1) ?? NaN).toFixed(2)}`;
  const lowest = same[0] ?? NaN;
  const above = different.filter((score) => score >= lowest).length;
  return [
    `same voice        ${String(same.length).padStart(3)} pairs, cosine ${range(same)}`,
    `different voices  ${String(different.length).padStart(3)} pairs, cosine ${range(different)}`,
    above === 0
      ? 'Every pair of the same voice is more alike than every pair of different voices.'
      : `${above} of the ${different.length} pairs of different voices are as much alike as the least alike pair of the same voice.`,
  ].join('\n');
}
