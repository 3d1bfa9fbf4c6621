import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { types } from 'node:util';
import { isErrorCode, TimbreError } from '../errors/timbre-error.js';
import { PACKAGE_FOLDER } from '../support/package.js';
import type { NativeCodeTrust } from './code-trust.js';
import { whyUnavailable, type LoadFailure } from './unavailable.js';
import type {
  AudioReport,
  DecoderIsolation,
  EmbedResult,
  EncoderInfo,
  EncoderStats,
  PauseHandling,
  RuntimeInfo,
  Timings,
  VerifyReport,
  Walls,
} from './types.js';

/** What native/binding exports. Callers check arguments first; errors are Errors with a code of the table. */
export interface NativeAddon {
  load(request: NativeLoadRequest): Promise<NativeEncoder>;
  loadSegmentation(request: NativeCodeTrust & { path: string }): Promise<NativeSegmentation>;
  convertCheckpoint(request: NativeConvertRequest): Promise<string>;
  readManifest(path: string): Promise<string>;
  updateManifest(path: string, facts: string, out: string): Promise<string>;
  verifyBundle(
    path: string,
    device: string,
    precision: string,
    trust: NativeCodeTrust,
  ): Promise<Omit<VerifyReport, 'manifest'> & { manifest: string }>;
  runtimeInfo(): RuntimeInfo;
  returnMemoryEarly(): void;
  hideMemory(): void;
  tryDecoder(): Promise<Walls>;
  openBeneath(
    path: string,
    roots: string[],
    closed: string[],
  ): Promise<{ descriptor: number } | { code: string; message: string; why: string }>;
  lookAtBeginning(head: Uint8Array, isWhole: boolean): Promise<void>;
  Gallery: new (dim: number, rounded: boolean) => NativeGallery;
}

export interface NativeLoadRequest extends NativeCodeTrust {
  path: string;
  device: string;
  precision: string;
  workers: number;
  queueLimit: number;
  maxBatch: number;
  isolation: DecoderIsolation;
  maxBytes: number;
  maxSeconds: number;
  maxInputBytes: number;
  maxWorkingBytes: number;
}

export interface NativeConvertRequest extends NativeCodeTrust {
  checkpoint: string;
  family: string;
  out: string;
  id: string;
  version: string;
  facts: string;
  storage: string;
  pauses: string;
}

export interface NativeEncoder {
  readonly info: Omit<EncoderInfo, 'manifest'> & { manifest: string };
  /** Several arrays of bytes are one recording in pieces. Refuses what finds no room before it is copied. */
  submit(input: string | number | Uint8Array | Float32Array | Uint8Array[], options: NativeEmbedOptions): NativeJob;
  /** As `submit`. `onProgress` is told seconds, and must not throw. */
  converse(
    input: string | number | Uint8Array | Float32Array | Uint8Array[],
    options: NativeConversationOptions,
    segmentation: NativeSegmentation,
    onProgress: ((done: number, total: number | null) => void) | undefined,
  ): NativeConversationJob;
  /** A place in the queue for an input that is still to be read, until `submit` or `drop`. */
  open(): number;
  /** Bytes that the input of a place has now; throws where there is no room for more. */
  resize(place: number, bytes: number): void;
  drop(place: number): void;
  /** Whether an input of so many bytes would be admitted now. */
  hasRoom(bytes: number): boolean;
  cancel(ticket: number): boolean;
  stats(): EncoderStats;
  close(drainMs: number): Promise<void>;
}

export interface NativeEmbedOptions {
  /** Of an input that `open` has given a place. */
  place: number | undefined;
  /** Of a Float32Array. */
  sampleRate: number;
  allowSilence: boolean;
  pauses: PauseHandling | undefined;
  cutSeconds: number | undefined;
  /** Beginnings and ends in turn, seconds, in order and apart; undefined: all. */
  intervals: Float64Array | undefined;
  /** Undefined: all, mixed down. */
  channel: number | undefined;
  /** Undefined: the container's default. */
  track: number | undefined;
  timeoutMs: number | undefined;
}

/** A loaded segmentation network; freed when it is collected. */
export type NativeSegmentation = object & { readonly __segmentation: unique symbol };

export interface NativeConversationOptions {
  place: number | undefined;
  sampleRate: number;
  channel: number | undefined;
  track: number | undefined;
  timeoutMs: number | undefined;
  least: number;
  /** 0: no limit. */
  most: number;
  maxSeconds: number;
}

export interface NativeConversation {
  turns: { start: number; end: number; speaker: number; overlap: number }[];
  /** How many. */
  speakers: number;
  /** Of each speaker, of unit length. */
  embeddings: Float32Array[];
  model: string;
  segmentation: string;
  audio: AudioReport;
  timings: Timings;
}

export interface NativeConversationJob {
  ticket: number;
  result: Promise<NativeConversation>;
}

export interface NativeJob {
  ticket: number;
  result: Promise<EmbedResult>;
}

/** Keys are whole numbers of 32 bits; `top` works on the threads that all galleries share. */
export interface NativeGallery {
  put(key: number, vector: Float32Array): void;
  remove(key: number): boolean;
  get(key: number): Float32Array | null;
  size(): number;
  top(
    query: Float32Array,
    count: number,
    candidates: Uint32Array | undefined,
  ): Promise<{ keys: Uint32Array; cosines: Float32Array; errors: Float32Array }>;
}

const ADDON_FILE = `${PACKAGE_FOLDER}build/Release/timbre.node`;

let loaded: NativeAddon | undefined;

/** The addon, loaded at the first call. Errors: ADDON_UNAVAILABLE. */
export function addon(): NativeAddon {
  loaded ??= load();
  return loaded;
}

function load(): NativeAddon {
  try {
    return createRequire(import.meta.url)(ADDON_FILE) as NativeAddon;
  } catch (cause) {
    const why = whyUnavailable({
      file: ADDON_FILE,
      exists: existsSync(ADDON_FILE),
      denied: deniedOf(cause),
      message: types.isNativeError(cause) ? cause.message : String(cause),
      platform: process.platform,
      architecture: process.arch,
      glibc: glibcVersion(),
    });
    throw new TimbreError('ADDON_UNAVAILABLE', why, { cause });
  }
}

/** `process.permission` is there where the model is on. */
function deniedOf(cause: unknown): LoadFailure['denied'] {
  if ((cause as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED') return 'addons';
  const { permission } = process as { permission?: { has: (scope: string, path: string) => boolean } };
  return permission && !permission.has('fs.read', ADDON_FILE) ? 'reading' : undefined;
}

/** Undefined under another C library. */
function glibcVersion(): string | undefined {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}

/** An error of the addon as a TimbreError. */
export function typed(thrown: unknown): TimbreError {
  if (thrown instanceof TimbreError) return thrown;
  // Not by class: the addon's errors are of the main realm, the caller may be in another.
  if (types.isNativeError(thrown)) {
    const { code } = thrown as { code?: unknown };
    if (isErrorCode(code)) return new TimbreError(code, thrown.message);
  }
  return new TimbreError('INTERNAL', `the addon failed: ${String(thrown)}`, { cause: thrown });
}
