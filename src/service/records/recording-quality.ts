import type { EmbedResult } from '../../addon/types.js';

/** What was measured on a recording, and decides whether it says enough about a voice. */
export interface Measures {
  audioSeconds: number;
  /** Net speech. */
  speechSeconds: number;
  /** Of the recording as it came in. */
  sampleRate: number;
  channels: number;
  /** Null where there is nothing but speech to compare with. */
  snrDb: number | null;
  /** Share of samples at full scale, in [0, 1]. */
  clippedShare: number;
  bandwidthHz: number;
  /** RMS of the speech, dB relative to full scale. */
  levelDb: number;
}

/** What one recording must have to count. */
export interface RecordingLimits {
  minSpeechSeconds: number;
  minSnrDb: number;
  maxClippedShare: number;
  minBandwidthHz: number;
}

export const REJECTION_REASONS = ['TOO_LITTLE_SPEECH', 'TOO_NOISY', 'CLIPPED', 'NARROW_BAND'] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

export const QUALITY_LABELS = ['GOOD', 'FAIR', 'POOR'] as const;
export type QualityLabel = (typeof QUALITY_LABELS)[number];

export interface Verdict {
  accepted: boolean;
  /** Why not; empty where it is accepted. */
  reasons: RejectionReason[];
  /** GOOD: clean wide-band speech. FAIR: accepted all the same. POOR: not accepted. */
  quality: QualityLabel;
}

/** What makes a recording GOOD beyond being accepted: quiet surroundings, no clipping to speak of, wide band. */
const GOOD = { snrDb: 15, clippedShare: 0.001, bandwidthHz: 3200 } as const;

export function measuresOf({ audio, speech, quality }: EmbedResult): Measures {
  return {
    audioSeconds: audio.seconds,
    speechSeconds: speech.seconds,
    sampleRate: audio.sampleRate,
    channels: audio.channels,
    snrDb: quality.snrDb,
    clippedShare: quality.clippedShare,
    bandwidthHz: quality.bandwidthHz,
    levelDb: quality.levelDb,
  };
}

export function judge(measures: Measures, limits: RecordingLimits): Verdict {
  const { snrDb, clippedShare, bandwidthHz } = measures;
  const reasons: RejectionReason[] = [];
  if (measures.speechSeconds < limits.minSpeechSeconds) reasons.push('TOO_LITTLE_SPEECH');
  if (snrDb !== null && snrDb < limits.minSnrDb) reasons.push('TOO_NOISY');
  if (clippedShare > limits.maxClippedShare) reasons.push('CLIPPED');
  if (bandwidthHz < limits.minBandwidthHz) reasons.push('NARROW_BAND');
  if (reasons.length > 0) return { accepted: false, reasons, quality: 'POOR' };
  const good =
    (snrDb === null || snrDb >= GOOD.snrDb) && clippedShare <= GOOD.clippedShare && bandwidthHz >= GOOD.bandwidthHz;
  return { accepted: true, reasons, quality: good ? 'GOOD' : 'FAIR' };
}

/** Of a recording that nobody here has measured. */
export function unmeasured(audioSeconds: number): Omit<Measures, 'speechSeconds'> {
  return { audioSeconds, sampleRate: 0, channels: 0, snrDb: null, clippedShare: 0, bandwidthHz: 0, levelDb: 0 };
}

/** The verdict on a recording that nobody here has measured: speech alone is judged. */
export function judgeUnmeasured(measures: Measures, { minSpeechSeconds }: RecordingLimits): Verdict {
  return judge(measures, { minSpeechSeconds, minSnrDb: -Infinity, maxClippedShare: 1, minBandwidthHz: 0 });
}
