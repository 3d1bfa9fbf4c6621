/** One number of the metrics. */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES: Record<string, string> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };

/** The samples of a text in Prometheus' exposition format; comments, and lines of another form, are passed over. */
export function readMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const [, name, list = '', number] = LINE.exec(line) ?? [];
    if (name === undefined || number === undefined) continue;
    const labels: Record<string, string> = {};
    for (const [, label, value] of list.matchAll(LABEL)) {
      labels[label!] = value!.replace(/\\[n"\\]/g, (escaped) => ESCAPES[escaped]!);
    }
    samples.push({ name, labels, value: number === '+Inf' ? Infinity : Number(number) });
  }
  return samples;
}

export function valueOf(samples: readonly Sample[], name: string): number | null {
  return samples.find((sample) => sample.name === name)?.value ?? null;
}

/** The values of one metric by one of its labels, summed where others differ. */
export function byLabel(samples: readonly Sample[], name: string, label: string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const sample of samples) {
    if (sample.name !== name) continue;
    const of = sample.labels[label] ?? '';
    sums.set(of, (sums.get(of) ?? 0) + sample.value);
  }
  return sums;
}

/** The cumulative counts of a histogram, by the upper ends of its buckets. */
export type Buckets = ReadonlyMap<number, number>;

export function bucketsOf(
  samples: readonly Sample[],
  name: string,
  matches: (labels: Sample['labels']) => boolean = () => true,
): Buckets {
  const counts = new Map<number, number>();
  for (const { name: of, labels, value } of samples) {
    if (of !== `${name}_bucket` || !matches(labels)) continue;
    const end = labels['le'] === '+Inf' ? Infinity : Number(labels['le']);
    counts.set(end, (counts.get(end) ?? 0) + value);
  }
  return counts;
}

/**
 * The value below which a share of what was counted between two readings lies, linear within a bucket as Prometheus has it;
 * null where nothing was counted. Counts that fell are those of a service that has started again: all of them are new.
 */
export function quantile(share: number, now: Buckets, before: Buckets | null): number | null {
  const restarted = before !== null && (now.get(Infinity) ?? 0) < (before.get(Infinity) ?? 0);
  const ends = [...now.keys()].sort((a, b) => a - b);
  const counts = ends.map((end) => now.get(end)! - (before && !restarted ? (before.get(end) ?? 0) : 0));
  const total = counts.at(-1) ?? 0;
  if (total <= 0) return null;
  const wanted = share * total;
  const at = counts.findIndex((count) => count >= wanted);
  const low = at === 0 ? 0 : ends[at - 1]!;
  const high = ends[at]!;
  if (high === Infinity) return low;
  const below = at === 0 ? 0 : counts[at - 1]!;
  const inside = counts[at]! - below;
  return inside === 0 ? high : low + (high - low) * ((wanted - below) / inside);
}

/** What has grown between two readings; all of it after a restart. */
export function increase(now: number, before: number | null): number {
  return before === null || now < before ? now : now - before;
}
