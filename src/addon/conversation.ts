import { TimbreError } from '../errors/timbre-error.js';
import { invalid, number, optionsObject, show, wholeNumber, workingFolder } from './arguments.js';
import { addon, typed, type NativeConversation, type NativeSegmentation } from './binding.js';
import { codeTrust } from './code-trust.js';
import { modelPath } from './model-path.js';
import { ofThisRealm } from './realm.js';
import { MOST_CHANNELS, MOST_TRACKS } from './selection.js';
import { speakerCounts } from './speaker-counts.js';
import { Stop } from './stop.js';
import type {
  ConversationKind,
  ConversationOptions,
  ConversationProgress,
  ConversationResult,
  ConversationSpeaker,
} from './types.js';

const LONGEST_SECONDS = 86_400;
const DEFAULT_SECONDS = 4 * 3600;
const KINDS: ReadonlySet<string> = new Set<ConversationKind>(['call', 'meeting', 'auto']);

/** The bundle that conversations use where none is named. */
export const SEGMENTATION = 'segmentation';

/** The options of a conversation. */
export class ConversationCall {
  readonly least: number;
  /** 0: no limit. */
  readonly most: number;
  readonly channel: number | undefined;
  /** Every channel by itself. */
  readonly each: boolean;
  /** One person has each channel. */
  readonly onePerChannel: boolean;
  readonly track: number | undefined;
  readonly maxSeconds: number;
  readonly stop: Stop;
  readonly folder = workingFolder();
  readonly #onProgress: ((progress: ConversationProgress) => void) | undefined;
  /** What `onProgress` threw. */
  thrown: { error: unknown } | undefined;

  /** Errors: INVALID_ARGUMENT. */
  constructor(options: ConversationOptions | undefined) {
    const given = optionsObject('options', options);
    const { kind, channel, track, maxSeconds, onProgress, signal, timeoutMs } = given;
    if (onProgress !== undefined && typeof onProgress !== 'function') {
      throw invalid(`onProgress is a function, not ${show(onProgress)}`);
    }
    if (kind !== undefined && !KINDS.has(kind)) throw invalid(`kind is 'call', 'meeting' or 'auto', not ${show(kind)}`);
    if (channel !== undefined && channel !== 'mix' && channel !== 'each' && !Number.isInteger(channel)) {
      throw invalid(`channel is 'mix', 'each' or a number counted from 0, not ${show(channel)}`);
    }
    const { least, most } = speakerCounts(given);
    this.least = least;
    this.most = most;
    this.each = channel === 'each';
    const counted = [given.speakers, given.minSpeakers, given.maxSpeakers].some((count) => count !== undefined);
    this.onePerChannel = this.each && (most === 1 || (kind === 'call' && !counted));
    this.channel = typeof channel === 'number' ? wholeNumber('channel', channel, 0, 0, MOST_CHANNELS) : undefined;
    this.track = track === undefined ? undefined : wholeNumber('track', track, 0, 0, MOST_TRACKS);
    this.maxSeconds = number('maxSeconds', maxSeconds, DEFAULT_SECONDS, 0.01, LONGEST_SECONDS);
    this.#onProgress = onProgress;
    this.stop = new Stop({ signal, timeoutMs });
  }

  /**
   * For the addon: what the caller's function throws ends the call. Undefined where nobody wants to know.
   * @param before seconds worked off in other channels
   * @param channels how many there are in all; null where that is not known yet
   */
  progress(before = 0, channels: number | null = 1): ((done: number, total: number | null) => void) | undefined {
    const tell = this.#onProgress;
    if (!tell) return undefined;
    return (seconds, totalSeconds) => {
      if (this.stop.error) return;
      const total = totalSeconds === null || channels === null ? null : totalSeconds * channels;
      try {
        tell({ seconds: before + seconds, totalSeconds: total });
      } catch (error) {
        this.thrown = { error };
        this.stop.stop(new TimbreError('ABORTED', 'onProgress threw'));
      }
    };
  }
}

/**
 * A segmentation network for conversations, by a bundle's file or id.
 * Errors: MODEL_NOT_FOUND with the command that pulls it; MODEL_INVALID, MODEL_UNTRUSTED, OUT_OF_MEMORY.
 */
export async function loadSegmentation(model: string, cacheDir: string | undefined): Promise<NativeSegmentation> {
  const path = await modelPath(model, cacheDir).catch((error: unknown) => {
    if (!(error instanceof TimbreError) || error.code !== 'MODEL_NOT_FOUND') throw error;
    throw new TimbreError(
      'MODEL_NOT_FOUND',
      `conversations need a segmentation network, and ${error.message}; \`timbre models pull ${SEGMENTATION}\` fetches it`,
      { cause: error },
    );
  });
  try {
    return await addon().loadSegmentation({ path, ...(await codeTrust(path, undefined)) });
  } catch (error) {
    throw typed(error);
  }
}

/** What the addon found, with labels in place of numbers. */
export function conversationResult(found: NativeConversation): ConversationResult {
  const { turns, speakers, embeddings, ...rest } = found;
  const list: ConversationSpeaker[] = Array.from({ length: speakers }, (_, i) => ({
    label: speakerLabel(i),
    speechSeconds: 0,
    ownSeconds: 0,
    turns: 0,
    embedding: ofThisRealm(embeddings[i]!),
  }));
  for (const { start, end, speaker, overlap } of turns) {
    list[speaker]!.speechSeconds += end - start;
    list[speaker]!.ownSeconds += end - start - overlap;
    list[speaker]!.turns++;
  }
  return {
    seconds: rest.audio.seconds,
    speakers: list,
    turns: turns.map(({ speaker, ...turn }) => ({ ...turn, speaker: list[speaker]!.label })),
    ...rest,
  };
}

/** A to Z, then AA, AB, ... */
export function speakerLabel(index: number): string {
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : speakerLabel(Math.floor(index / 26) - 1) + letter;
}
