import { availableParallelism } from 'node:os';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TimbreError } from '../errors/timbre-error.js';
import { stateOf } from '../support/files.js';
import {
  decoderIsolation,
  invalid,
  LONGEST_MS,
  number,
  optionsObject,
  pauseHandling,
  show,
  text,
  wholeNumber,
  workingFolder,
} from './arguments.js';
import { addon, typed, type NativeEncoder, type NativeSegmentation } from './binding.js';
import { codeTrust } from './code-trust.js';
import { ConversationCall, conversationResult, loadSegmentation, SEGMENTATION } from './conversation.js';
import { joinChannels } from './conversation-channels.js';
import { cosine, type EmbeddingLike } from './cosine.js';
import { bytesOf, isReadable, readStream, toSource, type Source } from './input.js';
import { defaultInputBytes, defaultWorkingBytes } from './machine-memory.js';
import { modelPath } from './model-path.js';
import { ofThisRealm } from './realm.js';
import { LONGEST_INTERVAL, MOST_CHANNELS, MOST_INTERVALS, MOST_TRACKS, SHORTEST_INTERVAL } from './selection.js';
import { Stop } from './stop.js';
import type {
  AudioInput,
  BatchItem,
  BatchOptions,
  Channel,
  ChannelItem,
  CloseOptions,
  ConversationOptions,
  ConversationResult,
  EachChannelOptions,
  EmbedOptions,
  EmbedResult,
  EncoderInfo,
  EncoderStats,
  LoadOptions,
  ManifestJson,
  PauseHandling,
  Timings,
  Interval,
} from './types.js';

const MOST_WORKERS = 256;
const MIB = 2 ** 20;

/** Utterances that a batch holds per worker, read and queued: enough that no worker waits for the JS thread. */
const AHEAD = 3;

/**
 * A loaded model with its own threads: recordings in, embeddings out, the event loop free.
 *
 *     const encoder = await SpeakerEncoder.load({ model: 'starter' });
 *     const a = await encoder.embed('alice.wav');
 *     const b = await encoder.embed(buffer);
 *     encoder.cosine(a, b);
 *     await encoder.close();
 *
 * An encoder that is dropped without `close` is freed when it is collected. All errors are TimbreErrors.
 */
export class SpeakerEncoder {
  readonly #native: NativeEncoder;
  readonly #info: EncoderInfo;
  /** Called when room may have become free. */
  readonly #waiting = new Set<() => void>();
  #closed: Promise<void> | undefined;

  readonly #loadSegmentation: () => Promise<NativeSegmentation>;
  #segmentation: Promise<NativeSegmentation> | undefined;

  private constructor(native: NativeEncoder, segmentation: () => Promise<NativeSegmentation>) {
    this.#native = native;
    this.#loadSegmentation = segmentation;
    const { manifest, limits, ...rest } = native.info;
    this.#info = Object.freeze({
      ...rest,
      limits: Object.freeze(limits),
      manifest: JSON.parse(manifest) as ManifestJson,
    });
  }

  /**
   * Loads a bundle off the JS thread, checks it and tries it out.
   *
   * Errors: INVALID_ARGUMENT, MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNTRUSTED, DEVICE_UNAVAILABLE, OUT_OF_MEMORY,
   * ADDON_UNAVAILABLE; with `isolation: 'process'` OVERLOADED and INTERNAL where no process can be started.
   */
  static async load(options: LoadOptions): Promise<SpeakerEncoder> {
    const { model, segmentation, device, precision, workers, queueLimit, maxBatch, limits, isolation, ...bundles } =
      optionsObject('options', options);
    const { cacheDir, allowCode } = bundles;
    const ofConversations = text('segmentation', segmentation, SEGMENTATION);
    const { maxBytes, maxSeconds, maxInputBytes, maxWorkingBytes } = optionsObject('limits', limits);
    const request = {
      device: text('device', device, 'auto'),
      precision: text('precision', precision, 'auto'),
      workers: wholeNumber('workers', workers, Math.min(availableParallelism(), MOST_WORKERS), 1, MOST_WORKERS),
      queueLimit: wholeNumber('queueLimit', queueLimit, 256, 1, 1e6),
      maxBatch: wholeNumber('maxBatch', maxBatch, 32, 1, 1024),
      isolation: decoderIsolation(isolation),
      maxBytes: wholeNumber('limits.maxBytes', maxBytes, 256 * MIB, 1, 1e12),
      maxSeconds: number('limits.maxSeconds', maxSeconds, 300, 0.01, 86400),
      maxInputBytes: wholeNumber('limits.maxInputBytes', maxInputBytes, defaultInputBytes(), 1, 1e15),
      maxWorkingBytes: wholeNumber('limits.maxWorkingBytes', maxWorkingBytes, defaultWorkingBytes(), 1, 1e15),
    };
    const path = await modelPath(model as string, cacheDir);
    const trust = await codeTrust(path, allowCode);
    try {
      const native = await addon().load({ path, ...trust, ...request });
      return new SpeakerEncoder(native, () => loadSegmentation(ofConversations, cacheDir));
    } catch (error) {
      throw typed(error);
    }
  }

  /**
   * The embedding of one recording. Bytes and samples are copied on the JS thread first, some 0.1 ms a megabyte: a path
   * costs it nothing, however long the recording.
   *
   * Errors: those of the recording (AUDIO_*, NO_SPEECH), INVALID_ARGUMENT, OVERLOADED at once when the queue is full or
   * there is no room for the bytes, ABORTED, DEADLINE_EXCEEDED, ENGINE_CLOSED, INFERENCE_FAILED, DECODER_FAILED,
   * OUT_OF_MEMORY.
   */
  async embed(input: AudioInput, options?: EmbedOptions): Promise<EmbedResult>;
  /**
   * The embeddings of all channels of one recording, in their order: of a call with one person on each, for instance.
   * Errors: those that concern the recording as a whole; one of a channel is its item's.
   */
  async embed(input: AudioInput, options: EachChannelOptions): Promise<ChannelItem[]>;
  async embed(input: AudioInput, options?: EmbedOptions | EachChannelOptions): Promise<EmbedResult | ChannelItem[]> {
    const call = new Call(options);
    try {
      if (call.channel === 'each') return await this.#embedChannels(input, call, false);
      return await this.#embed(input, call, false);
    } finally {
      call.stop.release();
    }
  }

  /**
   * The embeddings of many recordings, one item per input (and channel, with `channel: 'each'`) and in the inputs' order. A recording that fails is an item
   * with an error and costs the others nothing; so are those that an abort, a deadline (of the whole batch) or `close`
   * kept from being finished. However long the list, only a few utterances per worker are read and queued at a time, and
   * none is refused for a full queue.
   *
   * Errors: INVALID_ARGUMENT for arguments that are no list and no options; what `onProgress` throws.
   */
  async embedBatch(inputs: readonly AudioInput[], options?: BatchOptions): Promise<BatchItem[]> {
    if (!Array.isArray(inputs)) throw invalid(`a batch is an array of inputs, not ${show(inputs)}`);
    const { onProgress } = optionsObject('options', options);
    if (onProgress !== undefined && typeof onProgress !== 'function') {
      throw invalid(`onProgress is a function, not ${show(onProgress)}`);
    }
    const call = new Call(options);
    const list = [...(inputs as readonly AudioInput[])];
    const items = new Array<BatchItem[]>(list.length);
    let [next, done, failed] = [0, 0, 0];

    const lane = async (): Promise<void> => {
      while (next < list.length) {
        const index = next++;
        const settled = await this.#settle(index, list[index] as AudioInput, call);
        items[index] = settled;
        done++;
        if (settled.every((item) => 'error' in item)) failed++;
        onProgress?.({ done, failed, total: list.length, index });
      }
    };
    const lanes = Array.from({ length: Math.min(this.#window, list.length) }, () =>
      lane().catch((error: unknown) => {
        next = list.length;
        throw error;
      }),
    );
    const ends = await Promise.allSettled(lanes);
    call.stop.release();
    const broken = ends.find((end) => end.status === 'rejected');
    if (broken) throw broken.reason;
    return items.flat();
  }

  /**
   * `embedBatch` for inputs that come one by one: from a generator, a database cursor, a folder of a million files.
   * Items come in the inputs' order; while nobody takes them, no more than a few inputs are taken. Leaving the loop ends
   * what is in flight.
   *
   * Errors: INVALID_ARGUMENT; what `inputs` throws.
   */
  embedEach(
    inputs: Iterable<AudioInput> | AsyncIterable<AudioInput>,
    options?: Omit<BatchOptions, 'onProgress'>,
  ): AsyncGenerator<BatchItem, void, undefined> {
    return this.#each(inputs, options, workingFolder());
  }

  async *#each(
    inputs: Iterable<AudioInput> | AsyncIterable<AudioInput>,
    options: Omit<BatchOptions, 'onProgress'> | undefined,
    folder: string,
  ): AsyncGenerator<BatchItem, void, undefined> {
    const iterator = iteratorOf(inputs);
    const call = new Call(options, folder);
    const ahead: Promise<BatchItem[]>[] = [];
    let coming: Promise<IteratorResult<AudioInput>> | undefined;
    let [index, ended] = [0, false];
    try {
      for (;;) {
        if (!ended && ahead.length < this.#window) coming ??= nextOf(iterator);
        if (!coming && ahead.length === 0) return;
        const first = await Promise.race([coming, ahead[0]].filter((each) => each !== undefined));
        if (Array.isArray(first)) {
          void ahead.shift();
          yield* first;
          continue;
        }
        coming = undefined;
        if (first.done) ended = true;
        else ahead.push(this.#settle(index++, first.value, call));
      }
    } finally {
      call.stop.stop(new TimbreError('ABORTED', 'nobody waits for the rest'));
      call.stop.release();
      if (!ended) await iterator.return?.();
    }
  }

  /**
   * Who speaks when in a recording with several voices: turns with labels, in the order in which people first speak. The
   * first call loads the segmentation network (`timbre models pull segmentation` fetches it). Samples are not kept, and the
   * encoder's workers share the work.
   *
   *     const { turns } = await encoder.conversation('meeting.opus', { maxSpeakers: 6 });
   *
   * A Buffer or samples are copied once the network is loaded: leave them as they are until the call has settled. What
   * `onProgress` throws ends the call, and is its error.
   *
   * Errors: those of the recording (AUDIO_*); INVALID_ARGUMENT; MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNTRUSTED of the
   * segmentation network; OVERLOADED, ABORTED, DEADLINE_EXCEEDED, ENGINE_CLOSED, INFERENCE_FAILED, DECODER_FAILED,
   * OUT_OF_MEMORY. A recording in which nobody is heard is no error: it has no turns.
   */
  async conversation(input: AudioInput, options?: ConversationOptions): Promise<ConversationResult> {
    const call = new ConversationCall(options);
    try {
      const source = toSource(input, call.folder);
      if (call.each) return await this.#converseOnEachChannel(source, call);
      if (isReadable(source)) {
        return await this.#embedStream(source, call, false, (taken, held) => this.#converse(taken, call, held));
      }
      return await this.#converse(source, call, undefined);
    } catch (error) {
      throw call.thrown ? call.thrown.error : error;
    } finally {
      call.stop.release();
    }
  }

  /** Cosine similarity of two embeddings, as the function of this name has it. */
  cosine(a: EmbeddingLike, b: EmbeddingLike): number {
    return cosine(a, b);
  }

  /** What was loaded, and with which limits. The same object every time. */
  info(): EncoderInfo {
    return this.#info;
  }

  /** Also after `close`. */
  stats(): EncoderStats {
    return this.#native.stats();
  }

  /**
   * Ends what waits and what is being embedded with ENGINE_CLOSED, at once or after `drainMs`, and frees the model: the
   * network stops at its next tile. Calls after it fail with ENGINE_CLOSED; closing again waits for the same
   * end.
   */
  async close(options?: CloseOptions): Promise<void> {
    const drainMs = number('drainMs', optionsObject('options', options).drainMs, 0, 0, LONGEST_MS);
    this.#closed ??= this.#native.close(drainMs).catch((error: unknown) => {
      throw typed(error);
    });
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Utterances of one batch that are read or queued at a time. */
  get #window(): number {
    const { workers, maxBatch, device, queueLimit } = this.#info;
    return Math.min(AHEAD * (device === 'cpu' ? workers : workers + maxBatch), queueLimit);
  }

  /** One input of a batch; never rejects. */
  async #settle(index: number, input: AudioInput, call: Call): Promise<BatchItem[]> {
    try {
      if (call.channel !== 'each') return [{ index, result: await this.#embed(input, call, true) }];
      const channels = await this.#embedChannels(input, call, true);
      return channels.map((item) => ({ index, ...item }));
    } catch (error) {
      // A long list of inputs that fail at once shall not hold the event loop.
      await nextTurn();
      return [{ index, error: typed(error) }];
    }
  }

  /** Does not wait before the input is copied, unless it is a stream or `waits` for room. */
  async #embed(input: AudioInput, call: Call, waits: boolean): Promise<EmbedResult> {
    const source = toSource(input, call.folder);
    if (isReadable(source)) {
      return this.#embedStream(source, call, waits, (taken, held) => this.#run(taken, call, call.one, held));
    }
    call.stop.throwIfStopped();
    while (waits && !this.#hasRoom(bytesOf(source))) await this.#change(call.stop);
    return this.#run(source, call, call.one, undefined);
  }

  /**
   * Reads a stream within the bytes that inputs may hold, and gives `use` what it held with the place that it has. The
   * stream is destroyed if it fails.
   */
  async #embedStream<T>(
    stream: Readable,
    call: { readonly stop: Stop },
    waits: boolean,
    use: (source: Source, place: number) => Promise<T>,
  ): Promise<T> {
    const { maxBytes, maxInputBytes } = this.#info.limits;
    let place: number | undefined;
    try {
      call.stop.throwIfStopped();
      // Streams that waited for room in the middle could wait for each other: in a batch each has all it may need.
      const most = waits ? Math.min(maxBytes, maxInputBytes) : 0;
      while (waits && !this.#hasRoom(most)) await this.#change(call.stop);
      const held = (place = this.#call(() => this.#native.open()));
      const hold = (bytes: number): void => {
        try {
          this.#call(() => this.#native.resize(held, bytes));
        } catch (error) {
          // At once: streams that come together would all be refused, each for what the others no longer need.
          place = undefined;
          this.#native.drop(held);
          throw error;
        }
      };
      hold(most);
      const input = await readStream(stream, maxBytes, call.stop, (bytes) => hold(Math.max(bytes, most)));
      const source = { input, sampleRate: 0 };
      hold(bytesOf(source));
      return await use(source, held);
    } catch (error) {
      stream.destroy();
      throw error;
    } finally {
      if (place !== undefined) this.#native.drop(place);
      this.#wake();
    }
  }

  /** One item for each channel. How many there are is known once the first is decoded. */
  async #embedChannels(input: AudioInput, call: Call, waits: boolean): Promise<ChannelItem[]> {
    const source = toSource(input, call.folder);
    if (!isReadable(source)) return this.#embedEachChannel(source, call, waits);
    // Every channel takes room of its own, so that of the stream is given back first.
    const taken = await this.#embedStream(source, call, waits, (read) => Promise.resolve(read));
    return this.#embedEachChannel(taken, call, waits);
  }

  async #embedEachChannel(source: Source, call: Call, waits: boolean): Promise<ChannelItem[]> {
    const one = async (channel: number, allowSilence = call.allowSilence): Promise<EmbedResult> => {
      call.stop.throwIfStopped();
      while (waits && !this.#hasRoom(bytesOf(source))) await this.#change(call.stop);
      return this.#run(source, call, { channel, allowSilence }, undefined);
    };
    const file = fileOf(source);
    // Bytes are copied before anything is waited for.
    const before = file === undefined ? undefined : await stateOf(file).catch(() => undefined);
    // A first channel of digital silence must not hide the others.
    const first = await one(0, true);
    const { channels, seconds } = first.audio;
    const items: ChannelItem[] = [];
    for (let channel = 0; channel < channels; channel++) {
      try {
        const heard = channel === 0 && (call.allowSilence || first.speech.seconds > 0);
        const result = heard ? first : await one(channel);
        if (result.audio.channels !== channels || result.audio.seconds !== seconds) throw changedMeanwhile();
        items.push({ channel, result });
      } catch (thrown) {
        const error = typed(thrown);
        if (!/^(AUDIO_|NO_SPEECH|DECODER_FAILED|INFERENCE_FAILED)/.test(error.code)) throw error;
        items.push({ channel, error });
      }
    }
    if (file !== undefined && (await stateOf(file).catch(() => undefined)) !== before) throw changedMeanwhile();
    return items;
  }

  #run(
    { input, sampleRate }: Source,
    { pauses, cutSeconds, intervals, track, stop }: Call,
    { channel, allowSilence }: { channel: number | undefined; allowSilence: boolean },
    place: number | undefined,
  ): Promise<EmbedResult> {
    const options = {
      place,
      sampleRate,
      allowSilence,
      pauses,
      cutSeconds,
      intervals,
      channel,
      track,
      timeoutMs: stop.remainingMs,
    };
    const job = this.#call(() => this.#native.submit(input, options));
    return this.#follow(job, stop, (result) => ({ ...result, embedding: ofThisRealm(result.embedding) }));
  }

  async #converse(
    source: Source,
    call: ConversationCall,
    place: number | undefined,
    { channel = call.channel, least = call.least, most = call.most, progress = call.progress() } = {},
  ): Promise<ConversationResult> {
    const { track, maxSeconds, stop } = call;
    stop.throwIfStopped();
    const segmentation = await this.#segmentationNetwork();
    stop.throwIfStopped();
    const options = {
      place,
      sampleRate: source.sampleRate,
      channel,
      track,
      timeoutMs: stop.remainingMs,
      least,
      most,
      maxSeconds,
    };
    const job = this.#call(() => this.#native.converse(source.input, options, segmentation, progress));
    return this.#follow(job, stop, conversationResult);
  }

  /** One channel behind the other. How many there are is known once the first is done. */
  async #converseOnEachChannel(input: Source | Readable, call: ConversationCall): Promise<ConversationResult> {
    // Every channel takes room of its own, so that of the stream is given back first.
    const source = isReadable(input)
      ? await this.#embedStream(input, call, false, (read) => Promise.resolve(read))
      : input;
    const file = fileOf(source);
    const before = file === undefined ? undefined : await stateOf(file).catch(() => undefined);
    // A second voice is what a channel hears of another one, or part of the first.
    const counts = call.onePerChannel ? { least: 1, most: 2 } : {};
    const first = await this.#converse(source, call, undefined, {
      ...counts,
      channel: 0,
      progress: call.progress(0, null),
    });
    const { channels } = first.audio;
    const results = [first];
    for (let channel = 1; channel < channels; channel++) {
      const progress = call.progress(channel * first.seconds, channels);
      const result = await this.#converse(source, call, undefined, { ...counts, channel, progress });
      if (result.audio.channels !== channels || result.seconds !== first.seconds) throw changedMeanwhile();
      results.push(result);
    }
    if (file !== undefined && (await stateOf(file).catch(() => undefined)) !== before) throw changedMeanwhile();
    return {
      ...first,
      ...joinChannels(results, call.onePerChannel),
      audio: { ...first.audio, channel: 'each' },
      timings: sumTimings(results.map(({ timings }) => timings)),
    };
  }

  /** Loaded once; one that cannot be is tried again by the next conversation. */
  #segmentationNetwork(): Promise<NativeSegmentation> {
    this.#segmentation ??= this.#loadSegmentation().catch((error: unknown) => {
      this.#segmentation = undefined;
      throw error;
    });
    return this.#segmentation;
  }

  /** What comes of a job, unless something stops it. The caller does not wait for the stage that it is in. */
  #follow<Native, T>(
    job: { ticket: number; result: Promise<Native> },
    stop: Stop,
    shape: (result: Native) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const disarm = stop.onStop((error) => {
        this.#native.cancel(job.ticket);
        reject(error);
      });
      const settled = (): void => {
        disarm();
        this.#wake();
      };
      const done = (result: Native): void => resolve(shape(result));
      void job.result.then(done, (error: unknown) => reject(typed(error))).finally(settled);
    });
  }

  /** What the addon throws, as a TimbreError. */
  #call<T>(native: () => T): T {
    try {
      return native();
    } catch (error) {
      throw typed(error);
    }
  }

  /** Whether the encoder would take an input of so many bytes now, or never, which it says itself. */
  #hasRoom(bytes: number): boolean {
    return bytes > this.#info.limits.maxInputBytes || this.#native.hasRoom(bytes);
  }

  /** Until an utterance has left the queue or the workers, or a stream was read. Errors: of `stop`. */
  async #change(stop: Stop): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.add(resolve));
    stop.throwIfStopped();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** A source that is read anew for each of its channels. */
function fileOf({ input }: Source): string | number | undefined {
  return typeof input === 'string' || typeof input === 'number' ? input : undefined;
}

function sumTimings(all: readonly Timings[]): Timings {
  const sum = { queue: 0, decode: 0, resample: 0, speech: 0, features: 0, model: 0, total: 0 };
  for (const one of all) for (const key of Object.keys(sum) as (keyof Timings)[]) sum[key] += one[key];
  return sum;
}

function changedMeanwhile(): TimbreError {
  return new TimbreError('AUDIO_CORRUPT', 'the recording was changed while its channels were read; try again');
}

/** The options of a call that embeds. */
class Call {
  readonly allowSilence: boolean;
  readonly pauses: PauseHandling | undefined;
  readonly cutSeconds: number | undefined;
  readonly intervals: Float64Array | undefined;
  readonly channel: Channel;
  readonly track: number | undefined;
  readonly stop: Stop;

  /** Relative paths count from `folder`. Errors: INVALID_ARGUMENT. */
  constructor(
    options: EmbedOptions | BatchOptions | EachChannelOptions | undefined,
    readonly folder: string = workingFolder(),
  ) {
    const { allowSilence, pauses, cutSeconds, intervals, channel, track, signal, timeoutMs } =
      optionsObject<BatchOptions>('options', options);
    if (allowSilence !== undefined && typeof allowSilence !== 'boolean') {
      throw invalid(`allowSilence is true or false, not ${show(allowSilence)}`);
    }
    if (cutSeconds !== undefined && !(typeof cutSeconds === 'number' && cutSeconds > 0)) {
      throw invalid(`cutSeconds is a number above 0, not ${show(cutSeconds)}`);
    }
    this.allowSilence = allowSilence ?? false;
    this.pauses = pauseHandling(pauses);
    this.cutSeconds = cutSeconds;
    this.intervals = intervals === undefined ? undefined : toIntervals(intervals);
    this.channel = toChannel(channel);
    this.track = track === undefined ? undefined : wholeNumber('track', track, 0, 0, MOST_TRACKS);
    this.stop = new Stop({ signal, timeoutMs });
  }

  /** Of a call that takes one channel, or their mix. */
  get one(): { channel: number | undefined; allowSilence: boolean } {
    const { channel, allowSilence } = this;
    return { channel: typeof channel === 'number' ? channel : undefined, allowSilence };
  }
}

/** Beginnings and ends in turn. Errors: INVALID_ARGUMENT. */
function toIntervals(intervals: unknown): Float64Array {
  if (!Array.isArray(intervals) || intervals.length === 0 || intervals.length > MOST_INTERVALS) {
    throw invalid(`intervals are a list of 1 to ${MOST_INTERVALS}`);
  }
  let before = 0;
  return Float64Array.from(
    intervals.flatMap((interval: Partial<Interval> | null | undefined) => {
      const { start, end } = interval ?? {};
      const [from, to] = [Number(start), Number(end)];
      if (typeof start !== 'number' || typeof end !== 'number' || !(from >= before && to - from >= SHORTEST_INTERVAL)) {
        throw invalid(
          `intervals are { start, end }, seconds, in order and apart, each of ${SHORTEST_INTERVAL} s at least; not ` +
            show(interval),
        );
      }
      if (to > LONGEST_INTERVAL)
        throw invalid(`an interval ends at ${to} s; a recording has ${LONGEST_INTERVAL} s at most`);
      before = to;
      return [from, to];
    }),
  );
}

function toChannel(channel: unknown): Channel {
  if (channel === undefined || channel === 'mix' || channel === 'each') return channel ?? 'mix';
  if (typeof channel === 'number' && Number.isInteger(channel) && channel >= 0 && channel < MOST_CHANNELS)
    return channel;
  throw invalid(`channel is 'mix', 'each' or a whole number from 0, not ${show(channel)}`);
}

function iteratorOf(inputs: unknown): AnyIterator {
  if (typeof inputs === 'object' && inputs !== null) {
    if (Symbol.asyncIterator in inputs) return (inputs as AsyncIterable<AudioInput>)[Symbol.asyncIterator]();
    if (Symbol.iterator in inputs) return (inputs as Iterable<AudioInput>)[Symbol.iterator]();
  }
  throw invalid(`inputs are iterable, a list or a generator, not ${show(inputs)}`);
}

type AnyIterator = Iterator<AudioInput> | AsyncIterator<AudioInput>;

/** Its rejection is for whoever waits, if somebody still does. */
function nextOf(iterator: AnyIterator): Promise<IteratorResult<AudioInput>> {
  const next = (async () => iterator.next())();
  next.catch(() => {});
  return next;
}
