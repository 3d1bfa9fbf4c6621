import type { Readable } from 'node:stream';
import type { TimbreError } from '../errors/timbre-error.js';
import type { PauseHandling } from '../support/pause-handling.js';
import type { Precision } from '../support/precision.js';

/**
 * Limits on recordings: `maxBytes` and `maxSeconds` on one, the others on all of an encoder's together. Outside them a
 * recording is refused with a typed error before it is copied, or waits;
 */
export interface AudioLimits {
  /** Bytes of the encoded recording. Default 256 MiB. */
  maxBytes: number;
  /** Seconds of audio, of as many samples as eight channels at 48 kHz have in that time. Default 300. */
  maxSeconds: number;
  /**
   * Bytes of buffers, samples and streams that the encoder holds until they are decoded; one more is `OVERLOADED`. Paths
   * take none. Default: an eighth of the memory that the process may use.
   */
  maxInputBytes: number;
  /**
   * Bytes that the recordings that are being embedded take at once: samples, features and the network's activations. A
   * recording that finds no room waits on its worker; one that alone needs more is `AUDIO_TOO_LONG`. Default: half of the
   * memory that the process may use.
   */
  maxWorkingBytes: number;
}

/**
 * Where recordings are decoded. `none`: in this process. `process`: in processes beside it, one for each worker, that have
 * no files, no network and no way to start anything; a recording that ends one of them fails with `DECODER_FAILED`, and
 * nothing else does.
 */
export type DecoderIsolation = 'none' | 'process';

/** What stands around a program that decodes, as far as the kernel and the container have it. */
export interface Walls {
  /** Landlock: no files but those it is given. */
  files: boolean;
  /** seccomp: no network, no other processes, nothing of the system. */
  calls: boolean;
}

export interface LoadOptions {
  /** A bundle's file, or its id in the model cache. */
  model: string;
  /** `auto` (the default): CUDA where there is one, else the CPU, with the reason in `info().deviceNote`. */
  device?: 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;
  /**
   * What the network's products multiply in. `auto` (the default): that of an int8 bundle; of others `bf16` where the
   * processor has AMX or AVX512-BF16 for it, else `fp32`. `bf16` rounds to 8 bits: embeddings at a cosine of 0.9998 from
   * those in fp32, which compare with them. On a processor without it, and on CUDA, `fp32`. `int8` is for int8 bundles.
   */
  precision?: Precision;
  /** The segmentation network that conversations use, as `model`; loaded by the first. Default `segmentation`. */
  segmentation?: string;
  /** Threads of the engine, one utterance each. Default: the processors available to the process. */
  workers?: number;
  /** Utterances admitted and not yet started; one more is refused with `OVERLOADED`. Default 256. */
  queueLimit?: number;
  /** Utterances in one forward call on CUDA. Default 32. */
  maxBatch?: number;
  limits?: Partial<AudioLimits>;
  /** For recordings of strangers: `process`. Default `none`. */
  isolation?: DecoderIsolation;
  /** Folder of bundles looked up by id, after those of the package. Default: `MODEL_CACHE_DIR`, else `./models`. */
  cacheDir?: string;
  /**
   * The sha256 of the bundle's file, where it brings code of its own (TorchScript): code runs with all rights of the
   * process. Without it such a file is refused as MODEL_UNTRUSTED.
   */
  allowCode?: string;
}

/**
 * A regular file that is open for reading, read from its beginning; it stays the caller's to close, after the call has
 * settled. `FileHandle.fd` is such a descriptor.
 */
export interface FileInput {
  descriptor: number;
}

/** Samples in [-1, 1], mono. */
export interface PcmInput {
  samples: Float32Array;
  sampleRate: number;
}

/**
 * A path (or `file:` URL), an encoded recording, samples, or a stream of an encoded recording's bytes.
 *
 * `embed` copies buffers and samples before it returns: changing or transferring them later changes nothing. A batch
 * copies each when its turn comes, and with `channel: 'each'` they are copied again for every channel: leave them as they
 * are until the call has settled. A stream is read up to `limits.maxBytes`, as far as `limits.maxInputBytes` has room for
 * it, and destroyed if the call fails; a batch reads one when there is room for the longest.
 */
export type AudioInput = string | URL | Uint8Array | PcmInput | FileInput | Readable;

/** `mix`: the mean of all channels; `each`: one embedding for every channel; a number: that channel, counted from 0. */
export type Channel = 'mix' | 'each' | number;

export type { PauseHandling };

/** A part of a recording, seconds from its beginning. */
export interface Interval {
  start: number;
  end: number;
}

export interface EmbedOptions {
  signal?: AbortSignal;
  /** Milliseconds from the call until `DEADLINE_EXCEEDED`. */
  timeoutMs?: number;
  /** Embed digital silence instead of answering `NO_SPEECH`. Default false. */
  allowSilence?: boolean;
  /**
   * `cut`: the speech, with its pauses as the bundle's rule has them; INVALID_ARGUMENT where the bundle has none. `keep`:
   * the whole recording, which gives the published network's own vector; it does not compare with a `cut` one. Default:
   * `info().pauses`.
   */
  pauses?: PauseHandling;
  /**
   * Embed these parts of the recording alone, joined: in order, apart, each of 0.1 s at least, 1,000 at most. One that begins
   * behind the end of the recording is INVALID_ARGUMENT.
   */
  intervals?: readonly Interval[];
  /** Embed only so many seconds from the middle of a longer recording. */
  cutSeconds?: number;
  /** What is taken of a recording with several channels. Default `mix`. */
  channel?: Exclude<Channel, 'each'>;
  /** Which audio track of a container with several, counted from 0. Default: the one that it marks as its default. */
  track?: number;
}

/** Options of a call that gives one embedding for every channel. */
export type EachChannelOptions = Omit<EmbedOptions, 'channel'> & { channel: 'each' };

/** What came of one channel. A channel that fails, silent perhaps, costs the others nothing. */
export type ChannelItem = { channel: number; result: EmbedResult } | { channel: number; error: TimbreError };

/** `call`: two people at most. `meeting`, `auto`: as many as are heard. */
export type ConversationKind = 'call' | 'meeting' | 'auto';

export interface ConversationOptions {
  signal?: AbortSignal;
  /** Milliseconds from the call until `DEADLINE_EXCEEDED`. */
  timeoutMs?: number;
  /**
   * How many people speak, from 1 to 64, where it is known. Not with `minSpeakers` and `maxSpeakers`. Where channels are worked
   * on by themselves, all three are of each channel.
   */
  speakers?: number;
  /** Default 1. */
  minSpeakers?: number;
  /** Default: as many as are heard, of a call 2. */
  maxSpeakers?: number;
  /** Default `auto`. */
  kind?: ConversationKind;
  /**
   * What is taken of a recording with several channels. `each`: every channel by itself, voices that are alike joined
   * afterwards; with `speakers: 1` or `kind: 'call'` each channel is one person's, and what another channel hears of it is
   * removed. Takes as long as all channels one behind the other. Default `mix`.
   */
  channel?: Channel;
  /** Which audio track of a container with several, counted from 0. Default: the one that it marks as its default. */
  track?: number;
  /** Longest recording, seconds; `limits.maxSeconds` is that of embeddings. Default 14,400 (four hours). */
  maxSeconds?: number;
  onProgress?: (progress: ConversationProgress) => void;
}

export interface ConversationProgress {
  /** Of the recording, worked off; of each channel with `each`. */
  seconds: number;
  /** Null where the recording does not say how long it is, or how many channels there are is not known yet. */
  totalSeconds: number | null;
}

/** Speech of one person without a pause of 0.3 s or more. */
export interface ConversationTurn {
  /** Seconds from the beginning of the recording. */
  start: number;
  end: number;
  /** Label of the speaker. */
  speaker: string;
  /** Seconds of the turn in which somebody else speaks too. */
  overlap: number;
}

export interface ConversationSpeaker {
  /** `A`, `B`, ... in the order in which they first speak. */
  label: string;
  speechSeconds: number;
  /** Seconds in which nobody else speaks. */
  ownSeconds: number;
  /** How many. */
  turns: number;
  /**
   * The voice, of unit length: of pieces of 1.5 s with all pauses, in which nobody else speaks. It compares with embeddings of
   * recordings that the same weights made, whichever way pauses were handled (docs/conversations.md, Names).
   */
  embedding: Float32Array;
  /** With `channel: 'each'`: the channels in which the voice is heard, the one with most of its speech first. */
  channels?: number[];
}

export interface ConversationResult {
  /** Of the recording. */
  seconds: number;
  speakers: ConversationSpeaker[];
  /** By time. */
  turns: ConversationTurn[];
  /** The bundle that embedded the voices. */
  model: string;
  /** The bundle that heard who of a few speakers talks when. */
  segmentation: string;
  audio: Omit<AudioReport, 'channel'> & { channel: Channel };
  /** With `channel: 'each'` sums over the channels. */
  timings: Timings;
}

export interface CloseOptions {
  /** Milliseconds that utterances have to be finished; the others end with `ENGINE_CLOSED`. Default 0. */
  drainMs?: number;
}

export interface BatchProgress {
  /** Inputs settled, whether they worked or not. */
  done: number;
  failed: number;
  total: number;
  /** The input that settled last. */
  index: number;
}

export interface BatchOptions extends Omit<EmbedOptions, 'channel'> {
  /** With `each`, every input has an item for each of its channels, one behind the other. Default `mix`. */
  channel?: Channel;
  onProgress?: (progress: BatchProgress) => void;
}

/** Milliseconds of each stage. */
export interface Timings {
  /** Waiting for a worker, and there for memory. */
  queue: number;
  decode: number;
  resample: number;
  /** Voice activity and quality. */
  speech: number;
  features: number;
  model: number;
  total: number;
}

/** What the recording is worth as evidence, measured on its samples before the model sees them. */
export interface Quality {
  /** Signal-to-noise ratio in dB, speech frames against the others; null where there are no others to compare with. */
  snrDb: number | null;
  /** Share of samples at full scale, in [0, 1]. */
  clippedShare: number;
  /** Highest frequency that carries signal, Hz; about 3,400 for a telephone call. */
  bandwidthHz: number;
  /** RMS level of the speech, dB relative to full scale. */
  levelDb: number;
}

/** Why a recording is not all that was recorded. */
export interface Incomplete {
  /**
   * TRUNCATED: it ends before its container says. DAMAGED: bytes in it are broken or missing. GAPS: its time stamps pass
   * over audio that is not there. GROWING: the file was still being written.
   */
  reason: 'TRUNCATED' | 'DAMAGED' | 'GAPS' | 'GROWING';
  /** Null where the container does not tell. */
  missingSeconds: number | null;
  /** For people. */
  message: string;
}

/** What the recording was before it was mixed down and resampled. */
export interface AudioReport {
  /** Of audio that is there. */
  seconds: number;
  sampleRate: number;
  channels: number;
  /** What was embedded: all channels mixed down, or one of them. */
  channel: 'mix' | number;
  /** The channels cancel each other when they are mixed (opposite phase): the strongest was taken, `channel`. */
  channelsCancel: boolean;
  /** All channels hold the same; false also where only one of them was looked at. */
  channelsAlike: boolean;
  /** Audio tracks of the container. */
  tracks: number;
  /** The one that was taken. */
  track: number;
  /** Container and codec: `WAV/PCM_16`, `OGG/OPUS`, `MP4/AAC`; `samples` where the caller gave samples. */
  format: string;
  /** Whether the recording is whole, as far as its container tells. */
  complete: boolean;
  /** What is missing; null where it is complete. */
  incomplete: Incomplete | null;
}

export interface EmbedResult {
  /** As the model gives it, not length-normalised. */
  embedding: Float32Array;
  /** The bundle that made the embedding: `<id>@<first 12 digits of its identity>`, which covers weights and pauses. */
  model: string;
  audio: AudioReport;
  /** Net speech in the recording, by voice activity detection. */
  speech: { seconds: number };
  quality: Quality;
  /** What the model was given of the recording. `speech` and `quality` are of all of it. */
  embedded: { seconds: number; pauses: PauseHandling };
  timings: Timings;
}

/** `channel` only where every channel was asked for. */
export type BatchItem =
  { index: number; channel?: number; result: EmbedResult } | { index: number; channel?: number; error: TimbreError };

export interface EncoderInfo {
  model: string;
  /** The `model` of embeddings made with `pauses: 'keep'`. */
  modelWithPauses: string;
  /** What is done where nothing is asked for: `cut` where the bundle has a rule for pauses. */
  pauses: PauseHandling;
  id: string;
  family: string;
  trained: boolean;
  embeddingDim: number;
  sampleRate: number;
  /** Seconds of the shortest recording that the model embeds. */
  shortestSeconds: number;
  /** `cpu`, `cuda:0`. */
  device: string;
  /** Why the device is not a better one; empty when it is. */
  deviceNote: string;
  /** What the network's products multiply in. */
  precision: Exclude<Precision, 'auto'>;
  workers: number;
  queueLimit: number;
  maxBatch: number;
  isolation: DecoderIsolation;
  limits: AudioLimits;
  manifest: ManifestJson;
}

/** What a bundle says about itself; docs/models.md lists every field. */
export interface ManifestJson {
  id: string;
  version: string;
  family: string;
  /** False: formula or random weights, whose scores mean nothing. */
  trained: boolean;
  [field: string]: unknown;
}

export interface ConvertOptions {
  /** File of torch.save or of safetensors, of which nothing is executed; or a bundle in fp32. */
  checkpoint: string | URL;
  /** Recognised from the tensors' names where only one family fits. */
  family?: string;
  /** Letters, digits, `.`, `_` and `-`. */
  id: string;
  /** Default `1`. */
  version?: string;
  /** The bundle's file; an older one is replaced. */
  out: string | URL;
  /** Merged into the manifest: `licence`, `source`, `trained`, `evaluation`, ... */
  facts?: Record<string, unknown>;
  /**
   * `int8`: the large layers multiply in int8 on processors that are faster that way (AVX2, AVX-512), with embeddings
   * at a cosine of at least 0.995 from those in fp32; elsewhere they are widened. Default `fp32`.
   */
  precision?: 'fp32' | 'int8';
  /** Of the weights that are not int8: `fp16` takes half the space; they are widened when loaded. Default `fp32`. */
  storage?: 'fp32' | 'fp16';
  /** `cut` writes the rule for pauses into the bundle, `keep` none. Default `cut`; of a bundle: what it has. */
  pauses?: PauseHandling;
  /** Of a bundle: see LoadOptions. */
  allowCode?: string;
}

/** Recordings embedded here against the embeddings that were stored when the bundle was made. */
export interface VerifyReport {
  manifest: ManifestJson;
  /** The name that embeddings of the bundle carry. */
  model: string;
  device: string;
  deviceNote: string;
  precision: Exclude<Precision, 'auto'>;
  /** Milliseconds of an utterance of 3 s through the network alone; 0 of a network that embeds nothing. */
  networkMs: number;
  maxRelativeError: number;
  maxOneMinusCosine: number;
  cases: { name: string; seconds: number; relativeError: number; oneMinusCosine: number; passed: boolean }[];
  passed: boolean;
}

export interface RuntimeInfo {
  torch: {
    version: string;
    cpuCapability: string;
    cudaBuilt: boolean;
    cudaDevices: number;
    /** What multiplies in bf16 on this processor; empty where nothing does it faster than in fp32. */
    bf16: 'amx' | 'avx512_bf16' | '';
  };
  /** Versions, and the path of ffmpeg, empty where there is none. */
  audio: { sndfile: string; soxr: string; ffmpeg: string };
  /** Those that can be put around ffmpeg and the processes that decode. */
  walls: Walls;
}

export interface EncoderStats {
  submitted: number;
  completed: number;
  failed: number;
  aborted: number;
  rejected: number;
  batches: number;
  queued: number;
  running: number;
  /** Of those running: how many wait for room in `limits.maxWorkingBytes`. */
  waitingForMemory: number;
  /** Held now, of `limits.maxInputBytes`. */
  inputBytes: number;
  /** Held now, of `limits.maxWorkingBytes`. */
  workingBytes: number;
  audioSeconds: number;
  /** Sums over completed utterances, milliseconds. */
  timings: Timings;
}
