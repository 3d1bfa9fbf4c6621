import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import type { Scorer } from '../../scoring/scorer.js';
import { Config } from '../config/config.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { boundUids } from '../records/bound.js';
import type { VoiceRecords } from '../records/unit-of-work.js';
import { sideOf, VoiceIndex, type VoiceMatch } from '../voices/voice-index.js';

/** Somebody else whose voice a voice may be, and on what. */
export interface PossibleDuplicate {
  speakerId: string;
  cosine: number;
  /** Null where the model is not calibrated. */
  llr: number | null;
  /** Share of people who are nobody else of those compared and would be taken for one; null where none was learned. */
  falseAcceptRate: number | null;
  /** People who were compared. */
  gallerySize: number;
}

/** A voice to look for among the others. */
export interface SoughtVoice {
  /** `Speaker.subject` of whose it is. */
  subject: string;
  speakerId: string;
  embedding: Float32Array;
  speechSeconds: number;
  /** That the embedding is the mean of. */
  recordings: number;
}

/** People whose voice may be here already under another id; nobody is ever merged by it. */
@Injectable()
export class Duplicates {
  constructor(
    private readonly engine: EmbeddingEngine,
    private readonly gallery: VoiceIndex,
    private readonly config: Config,
  ) {}

  /**
   * At a rate of false accepts among all who are compared; default: TIMBRE_DUPLICATE_FALSE_ACCEPT_RATE, or where the model has no
   * threshold for that, the one it has. Errors: INVALID_ARGUMENT for a rate that was asked for and has no threshold.
   */
  scorerAt(rate: number | undefined): Scorer {
    const scorer = this.engine.scorer();
    try {
      return scorer.at(rate ?? this.config.duplicateFalseAcceptRate);
    } catch (error) {
      if (rate === undefined && error instanceof TimbreError && error.code === 'INVALID_ARGUMENT') return scorer;
      throw error;
    }
  }

  /** The nearest others, at most so many, nearest first; of those whom whoever acts may see. Errors: as of `VoiceIndex.ready`. */
  async of(
    { subject, speakerId, embedding, speechSeconds, recordings }: SoughtVoice,
    scorer: Scorer,
    most: number,
    groups = boundUids(),
  ): Promise<(PossibleDuplicate & Pick<VoiceMatch, 'subject'>)[]> {
    const others = await this.gallery.nearestOthers(embedding, subject, most, groups);
    if (others.length === 0) return [];
    const [all, own] = await Promise.all([
      this.gallery.countOf({ groups }),
      this.gallery.countOf({ candidates: [speakerId], groups }),
    ]);
    const gallerySize = all - own;
    const side = scorer.side(embedding, { seconds: speechSeconds, recordings });
    return others.flatMap((match) => {
      const score = scorer.compare(side, scorer.side(match.centroid, sideOf(match)));
      const { decision, falseAcceptRate } = scorer.openSet(score, null, gallerySize);
      if (decision !== 'ACCEPT') return [];
      const { cosine, llr } = score;
      return [{ subject: match.subject, speakerId: match.speakerId, cosine, llr, falseAcceptRate, gallerySize }];
    });
  }
}

/** The first of them who is still there, and has not opted out. */
export async function stillThere(
  { speakers }: VoiceRecords,
  found: readonly (PossibleDuplicate & Pick<VoiceMatch, 'subject'>)[],
): Promise<PossibleDuplicate | null> {
  if (found.length === 0) return null;
  const there = await speakers.bySubject(found.map(({ subject }) => subject));
  const first = found.find((one) => there.some(({ subject, optedOutAt }) => subject === one.subject && !optedOutAt));
  if (!first) return null;
  const { subject: _, ...duplicate } = first;
  return duplicate;
}
