import { Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { toTimbreError } from '../http/to-timbre-error.js';
import { describeState } from '../engine/addon-engine.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { Metrics } from '../metrics/metrics.service.js';
import { Retention } from '../privacy/retention.js';
import { VoiceIndex, type ApproximateReport } from '../voices/voice-index.js';
import { UnitOfWork } from '../records/unit-of-work.js';

/** Somebody waits for the answer. */
const LONGEST_MS = 2000;

/** Whether what is stored can be reached, and searched. */
@Injectable()
export class VoicesHealth {
  private asking: Promise<void> | undefined;

  constructor(
    private readonly indicator: HealthIndicatorService,
    private readonly store: UnitOfWork,
    private readonly engine: EmbeddingEngine,
    private readonly voices: VoiceIndex,
    private readonly keeper: Retention,
    metrics: Metrics,
  ) {
    metrics.gauge('timbre_voices', 'Voices that can be identified.', () => voices.report.voices);
    metrics.gauge(
      'timbre_voices_set_aside',
      'Voices whose record cannot be read: nobody finds them.',
      () => voices.report.setAside,
    );
    metrics.gauge(
      'timbre_voices_missing',
      'Voices that the index does not have yet, or not as they are now.',
      () => voices.report.missing,
    );
    metrics.gauge(
      'timbre_search_recall',
      'Share of the nearest voices that an approximate search finds, as it was measured; 1 where all searches are exact.',
      () => (voices.report.approximate?.inUse ? voices.report.approximate.recall : 1),
    );
    metrics.gauge(
      'timbre_records_altered',
      'Records that were read and are not as this service wrote them: none is believed.',
      () => store.altered,
    );
  }

  /** Up when the database answers. */
  async database(key: string): Promise<HealthIndicatorResult> {
    const check = this.indicator.check(key);
    // One question at a time, however many ask while a slow database keeps its answer.
    this.asking ??= this.store.check().finally(() => (this.asking = undefined));
    const problem = await problemOf(this.asking, 'the database does not answer');
    return problem === null ? check.up() : check.down({ message: problem });
  }

  /** Up; `altered` counts the records that were read and are not as this service wrote them. */
  async records(key: string): Promise<HealthIndicatorResult> {
    // Building the gallery reads most of them.
    if (this.engine.state.status === 'ready') await problemOf(this.voices.loaded(), 'not yet');
    return this.indicator.check(key).up({ altered: this.store.altered });
  }

  /** Up, and paused where the clock has jumped: nothing goes by age then, and everything else works. */
  async retention(key: string): Promise<HealthIndicatorResult> {
    const check = this.indicator.check(key);
    let state = 'unknown';
    const asked = this.keeper.status().then((status) => {
      state = status.state;
    });
    // A database that does not answer is told elsewhere.
    await problemOf(asked, state);
    return check.up({ state });
  }

  /**
   * Up when every enrolled voice that can be read can be found; `setAside` counts those that cannot. A build that failed is
   * tried again. Where the database searches, `search` says how: exactly also where its index finds too few, which takes
   * longer.
   */
  async gallery(key: string): Promise<HealthIndicatorResult> {
    const check = this.indicator.check(key);
    const { state } = this.engine;
    if (state.status !== 'ready') return check.down({ message: describeState(state) });
    const problem = await problemOf(this.voices.loaded(), 'the voices are being loaded');
    const { kind, voices, setAside, missing, approximate } = this.voices.report;
    if (problem === null)
      return check.up({ setAside, ...(kind === 'native' ? {} : { missing, search: searchOf(approximate) }) });
    const left = missing > 0 ? `: ${missing} are missing, and ${voices} are there` : '';
    return check.down({ message: `${problem}${left}` });
  }
}

/** How everybody is searched, for people. */
function searchOf(approximate: ApproximateReport | null): string {
  if (!approximate) return 'exact';
  const { recall, leastRecall, inUse } = approximate;
  const found = `${(100 * recall).toFixed(1)} % of the nearest`;
  if (inUse) return `approximate: ${found} are found`;
  return `exact: the index finds ${found}, and ${100 * leastRecall} % are asked for`;
}

/** Null when the work is done, in time; why it is not, otherwise. */
async function problemOf(work: Promise<void>, late: string): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(late), LONGEST_MS);
  });
  const done = work.then(
    () => null,
    (error: unknown) => toTimbreError(error).message,
  );
  try {
    return await Promise.race([done, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
