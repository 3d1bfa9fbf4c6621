import { z } from 'zod';
import { PRECISIONS } from '../../support/precision.js';
import {
  audioRoots,
  basePath,
  byteSize,
  byteSizeOrNone,
  consentRule,
  databaseUrl,
  device,
  number,
  onOrOff,
  origins,
  portOrOff,
  seconds,
  share,
  text,
  whole,
} from './values.js';

/** One setting: its name in each surface, what it takes, and what it means. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  /** Environment variable. */
  env: string;
  /** Option of `timbre serve`, without dashes; a secret has none. */
  flag: string;
  /** From the text of a variable or flag, or from a value, to the value. */
  schema: S;
  /** As text: what a variable would hold. */
  default: string;
  /** The default for people, where the text does not tell. */
  defaultMeans?: string;
  /** What the text looks like, for help: `PORT`, `SECONDS`. */
  takes: string;
  means: string;
  /** A bound on what callers may ask for; shown in /v1/info. */
  limit?: true;
  /** Never shown or logged. */
  secret?: true;
}

function setting<S extends z.ZodType>(of: Setting<S>): Setting<S> {
  return of;
}

/**
 * Every setting of the service, the one source of the typed config, `timbre serve --help`, docs/configuration.md and
 * the limits in /v1/info.
 */
export const SETTINGS = {
  host: setting({
    env: 'HOST',
    flag: 'host',
    schema: text,
    default: '127.0.0.1',
    takes: 'ADDRESS',
    means: 'Address that both ports are bound to. `0.0.0.0` opens the service to the network.',
  }),
  port: setting({
    env: 'PORT',
    flag: 'port',
    schema: whole(0, 65_535),
    default: '3000',
    takes: 'PORT',
    means: 'Port of the API; 0 takes any free one.',
  }),
  sidecarPort: setting({
    env: 'EMBEDDING_SERVICE_PORT',
    flag: 'sidecar-port',
    schema: portOrOff,
    default: '5001',
    takes: 'PORT',
    means: 'Port of the calls that the Python sidecar had; `off` leaves them out.',
  }),
  basePath: setting({
    env: 'TIMBRE_BASE_PATH',
    flag: 'base-path',
    schema: basePath,
    default: '',
    defaultMeans: 'none: `/`',
    takes: 'PATH',
    means:
      'Path that every call of the API lies below, `/voices`, where a proxy passes it on. Not for the port of the ' +
      'sidecar, nor for the module, which has the prefix of its application.',
  }),
  requireKeys: setting({
    env: 'TIMBRE_REQUIRE_KEYS',
    flag: 'require-keys',
    schema: z.enum(['auto', 'always', 'never', 'application'], 'must be auto, always, never or application'),
    default: 'auto',
    takes: 'WHEN',
    means:
      "Whether calls need an API key. `auto`: the API's do, the sidecar's do unless only this machine reaches its port. " +
      '`always`: both. `never`: none does that comes from a program of this machine; only on a loopback address. ' +
      "`application`: the API's do not, because the guards of the application around the module protect them.",
  }),
  openSidecar: setting({
    env: 'TIMBRE_OPEN_SIDECAR',
    flag: 'open-sidecar',
    schema: onOrOff,
    default: 'off',
    takes: 'on|off',
    means:
      "`on` answers the sidecar's calls without a key wherever its port is bound to, and through proxies; otherwise " +
      'programs of this machine alone need none. They embed recordings, also of files below AUDIO_ROOTS, and reach ' +
      'nothing that is stored.',
  }),
  keepModel: setting({
    env: 'TIMBRE_KEEP_MODEL',
    flag: 'keep-model',
    schema: onOrOff,
    default: 'on',
    takes: 'on|off',
    means:
      '`on`: where the installed bundle is another version of the model that the people of the data folder were made ' +
      'with, the service goes on with theirs, which the folder keeps. `off` moves to the installed one: people enrol ' +
      'anew, and their old profiles stay for the old bundle.',
  }),
  openMetrics: setting({
    env: 'TIMBRE_OPEN_METRICS',
    flag: 'open-metrics',
    schema: onOrOff,
    default: 'off',
    takes: 'on|off',
    means: '`on` answers `/metrics` without a key.',
  }),
  corsOrigins: setting({
    env: 'TIMBRE_CORS_ORIGINS',
    flag: 'cors-origins',
    schema: origins,
    default: '',
    defaultMeans: 'none',
    takes: 'ORIGIN,ORIGIN',
    means:
      'Web pages that may call the API from browsers, by their origin: `https://app.example`, separated by commas.',
  }),
  rateLimit: setting({
    env: 'TIMBRE_RATE_LIMIT',
    flag: 'rate-limit',
    schema: whole(0, 1_000_000_000),
    default: '6000',
    takes: 'N',
    means:
      'Requests a minute of one API key, or of one address where no key is needed; one more is answered with ' +
      'RATE_LIMITED. 0: no limit.',
    limit: true,
  }),
  model: setting({
    env: 'TIMBRE_MODEL',
    flag: 'model',
    schema: text,
    default: 'starter',
    takes: 'ID',
    means:
      'Model bundle: a file, the id of a bundle in the model cache, or a name that `timbre models pull` knows, ' +
      'which is fetched at the first start.',
  }),
  modelCacheDir: setting({
    env: 'MODEL_CACHE_DIR',
    flag: 'model-cache-dir',
    schema: text,
    default: './models',
    takes: 'DIR',
    means: 'Folder of model bundles.',
  }),
  device: setting({
    env: 'TIMBRE_DEVICE',
    flag: 'device',
    schema: device,
    default: 'auto',
    takes: 'DEVICE',
    means: 'Where the model runs: `auto`, `cpu`, `cuda` or `cuda:<number>`.',
  }),
  precision: setting({
    env: 'TIMBRE_PRECISION',
    flag: 'precision',
    schema: z.enum(PRECISIONS, 'must be auto, fp32, bf16 or int8'),
    default: 'auto',
    takes: 'TYPE',
    means:
      'What the network multiplies in: `auto` (`bf16` where the processor has AMX or AVX512-BF16 for it, else `fp32`; of an ' +
      'int8 bundle `int8`), `fp32`, `bf16` or `int8`.',
  }),
  allowCode: setting({
    env: 'TIMBRE_ALLOW_CODE',
    flag: 'allow-code',
    schema: z.string().regex(/^([0-9a-fA-F]{64})?$/, 'a sha256 belongs here: 64 hexadecimal digits'),
    default: '',
    takes: 'SHA256',
    means: 'The sha256 of a model file that brings code of its own, which then runs; others are refused.',
  }),
  decoderIsolation: setting({
    env: 'TIMBRE_DECODER_ISOLATION',
    flag: 'decoder-isolation',
    schema: z.enum(['process', 'none'], 'must be process or none'),
    default: 'process',
    takes: 'WHERE',
    means:
      'Where recordings are decoded. `process`: in processes beside the service, one for each worker, without files, ' +
      'network or other programs; a recording that ends one fails alone, with DECODER_FAILED. `none`: in the process of ' +
      'the service.',
  }),
  requireContainment: setting({
    env: 'TIMBRE_REQUIRE_CONTAINMENT',
    flag: 'require-containment',
    schema: onOrOff,
    default: 'off',
    takes: 'on|off',
    means:
      'Refuse to start where what decodes recordings (ffmpeg, and the processes of TIMBRE_DECODER_ISOLATION) cannot be ' +
      'kept from files, network and other processes, because the kernel or the container lacks Landlock or seccomp, or ' +
      'because recordings are decoded in the process of the service.',
  }),
  workers: setting({
    env: 'TIMBRE_WORKERS',
    flag: 'workers',
    schema: whole(0, 256),
    default: '0',
    defaultMeans: 'the processors available to the process',
    takes: 'N',
    means: 'Threads of the engine, one recording each; 0 takes the processors available to the process.',
    limit: true,
  }),
  queueLimit: setting({
    env: 'TIMBRE_QUEUE_LIMIT',
    flag: 'queue-limit',
    schema: whole(1, 100_000),
    default: '256',
    takes: 'N',
    means: 'Recordings admitted and not yet started; one more is answered with OVERLOADED.',
    limit: true,
  }),
  maxBatch: setting({
    env: 'TIMBRE_MAX_BATCH',
    flag: 'max-batch',
    schema: whole(1, 1024),
    default: '32',
    takes: 'N',
    means: 'Recordings in one forward call on CUDA.',
    limit: true,
  }),
  maxInputBytes: setting({
    env: 'TIMBRE_MAX_INPUT_BYTES',
    flag: 'max-input-bytes',
    schema: byteSizeOrNone,
    default: '0',
    defaultMeans: 'an eighth of the memory that the process may use',
    takes: 'BYTES',
    means:
      'Bytes of recordings in memory that the engine holds until they are decoded; one more is answered with OVERLOADED. ' +
      'Recordings in files take none. 0 takes the default.',
    limit: true,
  }),
  maxWorkingBytes: setting({
    env: 'TIMBRE_MAX_WORKING_BYTES',
    flag: 'max-working-bytes',
    schema: byteSizeOrNone,
    default: '0',
    defaultMeans: 'half of the memory that the process may use',
    takes: 'BYTES',
    means:
      'Bytes that the recordings that are being embedded take at once: samples, features and the activations of the ' +
      'network. A recording that finds no room waits, one that alone needs more is answered with AUDIO_TOO_LONG. 0 takes ' +
      'the default.',
    limit: true,
  }),
  maxConcurrentRequests: setting({
    env: 'TIMBRE_MAX_CONCURRENT_REQUESTS',
    flag: 'max-concurrent-requests',
    schema: whole(1, 100_000),
    default: '256',
    takes: 'N',
    means:
      'Requests with recordings handled at once; one more is answered with OVERLOADED. An eighth more are kept for keys ' +
      'and addresses that hold less than an equal share.',
    limit: true,
  }),
  maxConnections: setting({
    env: 'TIMBRE_MAX_CONNECTIONS',
    flag: 'max-connections',
    schema: whole(1, 1_000_000),
    default: '4096',
    takes: 'N',
    means: 'Connections of clients to each port; one more is closed at once.',
    limit: true,
  }),
  maxWaitingBytes: setting({
    env: 'TIMBRE_MAX_WAITING_BYTES',
    flag: 'max-waiting-bytes',
    schema: byteSize,
    default: '1GiB',
    takes: 'BYTES',
    means:
      'Bytes of all bodies that are received and worked on at once: uploads, most of which lie in the upload folder, and ' +
      'JSON, which counts four times for what it takes in memory. One more is answered with OVERLOADED. The last eighth is ' +
      'for keys and addresses that hold less than an equal share.',
    limit: true,
  }),
  uploadMemoryBytes: setting({
    env: 'TIMBRE_UPLOAD_MEMORY_BYTES',
    flag: 'upload-memory-bytes',
    schema: byteSizeOrNone,
    default: '64MiB',
    takes: 'BYTES',
    means:
      'Bytes of uploaded recordings of up to 1 MiB that are held in memory at once; what finds no room goes into the ' +
      'upload folder, and with 0 everything does.',
  }),
  maxUploadBytes: setting({
    env: 'TIMBRE_MAX_UPLOAD_BYTES',
    flag: 'max-upload-bytes',
    schema: byteSize,
    default: '128MiB',
    takes: 'BYTES',
    means: 'Bytes of one recording.',
    limit: true,
  }),
  maxRequestBytes: setting({
    env: 'TIMBRE_MAX_REQUEST_BYTES',
    flag: 'max-request-bytes',
    schema: byteSize,
    default: '512MiB',
    takes: 'BYTES',
    means: 'Bytes of one request with recordings.',
    limit: true,
  }),
  maxJsonBytes: setting({
    env: 'TIMBRE_MAX_JSON_BYTES',
    flag: 'max-json-bytes',
    schema: byteSize,
    default: '16MiB',
    takes: 'BYTES',
    means: 'Bytes of one JSON body of a call that takes a list or a recording in it; of any other, 64 KiB.',
    limit: true,
  }),
  maxBatchPaths: setting({
    env: 'TIMBRE_MAX_BATCH_PATHS',
    flag: 'max-batch-paths',
    schema: whole(1, 10_000),
    default: '1000',
    takes: 'N',
    means: "Paths in one `/batch-extract-embeddings` of the sidecar's calls.",
    limit: true,
  }),
  maxFiles: setting({
    env: 'TIMBRE_MAX_FILES',
    flag: 'max-files',
    schema: whole(1, 10_000),
    default: '32',
    takes: 'N',
    means: 'Recordings in one request.',
    limit: true,
  }),
  maxAudioSeconds: setting({
    env: 'TIMBRE_MAX_AUDIO_SECONDS',
    flag: 'max-audio-seconds',
    schema: seconds(1, 86_400),
    default: '300',
    takes: 'SECONDS',
    means: 'Seconds of audio in one recording.',
    limit: true,
  }),
  minSpeechSeconds: setting({
    env: 'TIMBRE_MIN_SPEECH_SECONDS',
    flag: 'min-speech-seconds',
    schema: seconds(0, 3600),
    default: '1',
    takes: 'SECONDS',
    means: 'Net speech that a recording needs to verify or identify with.',
    limit: true,
  }),
  minUpdateSeconds: setting({
    env: 'TIMBRE_MIN_UPDATE_SECONDS',
    flag: 'min-update-seconds',
    schema: seconds(0, 3600),
    default: '0',
    defaultMeans: 'what TIMBRE_MIN_SPEECH_SECONDS says',
    takes: 'SECONDS',
    means:
      'Net speech that a recording needs to become part of a profile: no less than TIMBRE_MIN_SPEECH_SECONDS, whatever this says.',
    limit: true,
  }),
  enrollmentSeconds: setting({
    env: 'TIMBRE_ENROLLMENT_SECONDS',
    flag: 'enrollment-seconds',
    schema: seconds(0, 3600),
    default: '20',
    takes: 'SECONDS',
    means: 'Net speech, over all recordings of a speaker, from which the speaker counts as enrolled.',
    limit: true,
  }),
  minSnrDb: setting({
    env: 'TIMBRE_MIN_SNR_DB',
    flag: 'min-snr-db',
    schema: number(-100, 100),
    default: '5',
    takes: 'DB',
    means: 'Signal-to-noise ratio that a recording needs to enrol with.',
    limit: true,
  }),
  maxClippedShare: setting({
    env: 'TIMBRE_MAX_CLIPPED_SHARE',
    flag: 'max-clipped-share',
    schema: number(0, 1),
    default: '0.05',
    takes: 'SHARE',
    means: 'Share of samples at full scale up to which a recording can enrol.',
    limit: true,
  }),
  minBandwidthHz: setting({
    env: 'TIMBRE_MIN_BANDWIDTH_HZ',
    flag: 'min-bandwidth-hz',
    schema: number(0, 96_000),
    default: '1500',
    takes: 'HERTZ',
    means: 'Bandwidth that a recording needs to enrol with; a telephone gives about 3,400.',
    limit: true,
  }),
  maxEnrollments: setting({
    env: 'TIMBRE_MAX_ENROLLMENTS',
    flag: 'max-enrollments',
    schema: whole(1, 10_000),
    default: '200',
    takes: 'N',
    means: 'Recordings of one speaker.',
    limit: true,
  }),
  webhooks: setting({
    env: 'TIMBRE_WEBHOOKS',
    flag: 'webhooks',
    schema: z.enum(['public', 'any', 'off'], 'must be public, any or off'),
    default: 'public',
    takes: 'WHICH',
    means:
      'Which receivers of webhooks are called. `public`: by https on addresses that everybody reaches alike. `any`: also by ' +
      'http, and on this machine and private networks. `off`: none.',
  }),
  conversations: setting({
    env: 'TIMBRE_CONVERSATIONS',
    flag: 'conversations',
    schema: onOrOff,
    default: 'on',
    takes: 'on|off',
    means:
      'Whether the service says who speaks when in recordings with several voices. `off` answers such calls with ' +
      'CONVERSATIONS_OFF and fetches nothing for them.',
  }),
  segmentation: setting({
    env: 'TIMBRE_SEGMENTATION',
    flag: 'segmentation',
    schema: text,
    default: 'segmentation',
    takes: 'BUNDLE',
    means:
      'The network that hears who of a few speakers talks when, for conversations: a file, the id of a bundle in the ' +
      'model cache, or a name that `timbre models pull` knows, which the first conversation fetches.',
  }),
  maxConversationSeconds: setting({
    env: 'TIMBRE_MAX_CONVERSATION_SECONDS',
    flag: 'max-conversation-seconds',
    schema: number(1, 86_400),
    default: '14400',
    takes: 'SECONDS',
    means: 'Seconds of audio in one conversation; its bytes are bounded by TIMBRE_MAX_UPLOAD_BYTES.',
    limit: true,
  }),
  directConversationSeconds: setting({
    env: 'TIMBRE_DIRECT_CONVERSATION_SECONDS',
    flag: 'direct-conversation-seconds',
    schema: number(0, 3600),
    default: '60',
    takes: 'SECONDS',
    means:
      'Seconds of audio up to which a conversation is answered at once; a longer one becomes a job. 0: each becomes one.',
    limit: true,
  }),
  conversationDays: setting({
    env: 'TIMBRE_CONVERSATION_DAYS',
    flag: 'conversation-days',
    schema: whole(0, 36_500),
    default: '30',
    takes: 'DAYS',
    means: 'Days after which a conversation that has ended is removed; 0 keeps them until they are removed by hand.',
  }),
  unknownVoices: setting({
    env: 'TIMBRE_UNKNOWN_VOICES',
    flag: 'unknown-voices',
    schema: onOrOff,
    default: 'off',
    takes: 'on|off',
    means:
      'Whether voices of conversations that get no name are kept, to be named later: their embeddings are biometric data of ' +
      'people who may know nothing of it, see docs/conversations.md.',
  }),
  unknownVoiceFalseAcceptRate: setting({
    env: 'TIMBRE_UNKNOWN_VOICE_FALSE_ACCEPT_RATE',
    flag: 'unknown-voice-false-accept-rate',
    schema: share,
    default: '0.001',
    takes: 'SHARE',
    means:
      "Share of voices that are joined with somebody else's unknown voice, or taken for a blocked one, between 1e-5 and 0.2, " +
      'whatever the number of voices compared.',
  }),
  unknownVoiceDays: setting({
    env: 'TIMBRE_UNKNOWN_VOICE_DAYS',
    flag: 'unknown-voice-days',
    schema: whole(0, 36_500),
    default: '30',
    takes: 'DAYS',
    means:
      'Days after which an unknown voice that was not heard again is deleted; 0 keeps it as long as a conversation of it is ' +
      'there. What a conversation has of it always goes with that.',
  }),
  maxJobs: setting({
    env: 'TIMBRE_MAX_JOBS',
    flag: 'max-jobs',
    schema: whole(1, 100_000),
    default: '100',
    takes: 'N',
    means: 'Jobs that are not finished; one more is answered with OVERLOADED.',
    limit: true,
  }),
  maxJobItems: setting({
    env: 'TIMBRE_MAX_JOB_ITEMS',
    flag: 'max-job-items',
    schema: whole(1, 100_000),
    default: '10000',
    takes: 'N',
    means: 'Recordings in one job.',
    limit: true,
  }),
  maxSpoolBytes: setting({
    env: 'TIMBRE_MAX_SPOOL_BYTES',
    flag: 'max-spool-bytes',
    schema: byteSize,
    default: '4GiB',
    takes: 'BYTES',
    means: 'Bytes of uploads that wait for their job; more is answered with OVERLOADED.',
    limit: true,
  }),
  maxEventStreams: setting({
    env: 'TIMBRE_MAX_EVENT_STREAMS',
    flag: 'max-event-streams',
    schema: whole(1, 10_000),
    default: '64',
    takes: 'N',
    means: 'Clients that follow jobs by server-sent events; one more is answered with OVERLOADED.',
    limit: true,
  }),
  jobDays: setting({
    env: 'TIMBRE_JOB_DAYS',
    flag: 'job-days',
    schema: number(0, 36_500),
    default: '7',
    takes: 'DAYS',
    means: 'Days after which a finished job is removed; the recordings it enrolled stay.',
  }),
  headerSeconds: setting({
    env: 'TIMBRE_HEADER_SECONDS',
    flag: 'header-seconds',
    schema: seconds(0.1, 3600),
    default: '10',
    takes: 'SECONDS',
    means: "Time for a request's head to arrive; a connection that takes longer is closed.",
    limit: true,
  }),
  storageWaitSeconds: setting({
    env: 'TIMBRE_STORAGE_WAIT_SECONDS',
    flag: 'storage-wait-seconds',
    schema: seconds(0.1, 3600),
    default: '10',
    takes: 'SECONDS',
    means:
      'Time that a call waits for its turn at the database; past it nothing was done, and the answer is ' +
      'STORAGE_UNAVAILABLE.',
    limit: true,
  }),
  requestSeconds: setting({
    env: 'TIMBRE_REQUEST_SECONDS',
    flag: 'request-seconds',
    schema: seconds(0.1, 3600),
    default: '60',
    takes: 'SECONDS',
    means: 'Time for one request, the upload included; past it the answer is DEADLINE_EXCEEDED.',
    limit: true,
  }),
  batchSeconds: setting({
    env: 'TIMBRE_BATCH_SECONDS',
    flag: 'batch-seconds',
    schema: seconds(0.1, 86_400),
    default: '600',
    takes: 'SECONDS',
    means:
      "Time for one `/batch-extract-embeddings` of the sidecar's calls; what is not done then is an error of its path.",
    limit: true,
  }),
  minUploadBytesPerSecond: setting({
    env: 'TIMBRE_MIN_UPLOAD_RATE',
    flag: 'min-upload-rate',
    schema: byteSizeOrNone,
    default: '1KiB',
    takes: 'BYTES',
    means:
      'Bytes a second that a body has to come with; one that is slower for some seconds is answered with ' +
      'DEADLINE_EXCEEDED. 0: none is too slow.',
    limit: true,
  }),
  leaveSeconds: setting({
    env: 'TIMBRE_LEAVE_SECONDS',
    flag: 'leave-seconds',
    schema: seconds(0, 3600),
    default: '0',
    takes: 'SECONDS',
    means:
      'Time that a service which stops says that it is not ready and goes on with what comes, so that a proxy in front of ' +
      'several sends it nothing more; the time of TIMBRE_DRAIN_SECONDS begins then.',
  }),
  drainSeconds: setting({
    env: 'TIMBRE_DRAIN_SECONDS',
    flag: 'drain-seconds',
    schema: seconds(0, 3600),
    default: '20',
    takes: 'SECONDS',
    means: 'Time that requests under way get to finish when the service stops; the rest fails with ENGINE_CLOSED.',
  }),
  audioRoots: setting({
    env: 'AUDIO_ROOTS',
    flag: 'audio-roots',
    schema: audioRoots,
    default: '',
    defaultMeans:
      "`recordings` in the working directory; on the sidecar's port for local programs the temporary folder too",
    takes: 'DIR:DIR',
    means:
      'Folders, separated by `:`, below which a request may name a regular file by its path. No link in them is ' +
      'followed, and nothing is opened in the folders of data, uploads and models.',
  }),
  uploadDir: setting({
    env: 'TIMBRE_UPLOAD_DIR',
    flag: 'upload-dir',
    schema: text.or(z.literal('')),
    default: '',
    defaultMeans: '`uploads` in the data folder',
    takes: 'DIR',
    means: 'Folder that uploads are kept in while they are worked on.',
  }),
  databaseUrl: setting({
    env: 'TIMBRE_DATABASE_URL',
    flag: 'database-url',
    schema: databaseUrl,
    default: '',
    defaultMeans: 'none: the SQLite file in the data folder',
    takes: 'URL',
    means:
      'PostgreSQL in the place of the SQLite file: `postgres://user:password@host/database?sslmode=verify-full`. Several ' +
      'services may share it, each with a data folder of its own, which keeps its uploads.',
    secret: true,
  }),
  databasePasswordFile: setting({
    env: 'TIMBRE_DATABASE_PASSWORD_FILE',
    flag: 'database-password-file',
    schema: text.or(z.literal('')),
    default: '',
    defaultMeans: 'none: the password in TIMBRE_DATABASE_URL',
    takes: 'FILE',
    means:
      'File whose one line is the password for PostgreSQL, read at the start, so that it stands in no environment; ' +
      'TIMBRE_DATABASE_URL has none then.',
  }),
  databaseSchema: setting({
    env: 'TIMBRE_DATABASE_SCHEMA',
    flag: 'database-schema',
    schema: z
      .string()
      .regex(/^[a-z_][a-z0-9_]{0,47}$/, 'must be of up to 48 lower-case letters, digits and _, no digit first'),
    default: 'timbre',
    takes: 'NAME',
    means: 'Schema of the PostgreSQL database; it is made where it is missing.',
  }),
  databasePool: setting({
    env: 'TIMBRE_DATABASE_POOL',
    flag: 'database-pool',
    schema: whole(8, 1000),
    default: '10',
    takes: 'N',
    means: 'Connections to PostgreSQL at most, beside one that listens.',
    limit: true,
  }),
  databaseStatementSeconds: setting({
    env: 'TIMBRE_DATABASE_STATEMENT_SECONDS',
    flag: 'database-statement-seconds',
    schema: seconds(0.1, 3600),
    default: '30',
    takes: 'SECONDS',
    means:
      'Time that one statement may take on PostgreSQL before it is ended, and the answer is STORAGE_UNAVAILABLE; how long a ' +
      'call waits for its turn is TIMBRE_STORAGE_WAIT_SECONDS.',
    limit: true,
  }),
  vectorIndex: setting({
    env: 'TIMBRE_VECTOR_INDEX',
    flag: 'vector-index',
    schema: z.enum(['native', 'compact', 'pgvector'], 'must be native, compact or pgvector'),
    default: 'native',
    takes: 'INDEX',
    means:
      'Where voices are searched: `native`, in the memory of each node; `compact`, there as well, in a quarter of the memory: ' +
      'vectors are rounded, and the profiles of those that may be nearest are read to tell who is; `pgvector`, by PostgreSQL ' +
      '(TIMBRE_DATABASE_URL) with its extension pgvector 0.8.4 or later, for nodes without that memory.',
  }),
  dataDir: setting({
    env: 'TIMBRE_DATA_DIR',
    flag: 'data-dir',
    schema: text,
    default: './data',
    takes: 'DIR',
    means: 'Folder of the database.',
  }),
  dataKeyFile: setting({
    env: 'TIMBRE_DATA_KEY_FILE',
    flag: 'data-key-file',
    schema: text.or(z.literal('')),
    default: '',
    defaultMeans: '`data.key` in the data folder',
    takes: 'FILE',
    means: 'File of the key that embeddings are encrypted with; made, readable by its owner only, at the first start.',
  }),
  epochFile: setting({
    env: 'TIMBRE_EPOCH_FILE',
    flag: 'epoch-file',
    schema: text.or(z.literal('')),
    default: '',
    defaultMeans: "the key file's name with `.epoch`",
    takes: 'FILE',
    means:
      'File that tells a database which was put back; the service writes it. Keep it, as the key, away from whoever may write ' +
      'the data folder or restores it.',
  }),
  dataKey: setting({
    env: 'TIMBRE_DATA_KEY',
    flag: 'data-key',
    schema: text.or(z.literal('')),
    default: '',
    defaultMeans: 'read from the key file',
    takes: 'KEY',
    means: 'That key itself, 32 bytes in base64 or hexadecimal. The service removes it from its environment.',
    secret: true,
  }),
  calibrationFile: setting({
    env: 'TIMBRE_CALIBRATION',
    flag: 'calibration',
    schema: text.or(z.literal('')),
    default: '',
    defaultMeans: 'the calibration in the bundle',
    takes: 'FILE',
    means:
      'What `timbre calibrate` wrote on your own recordings. It decides, whatever calibrations are saved in the service.',
  }),
  falseAcceptRate: setting({
    env: 'TIMBRE_FALSE_ACCEPT_RATE',
    flag: 'false-accept-rate',
    schema: share,
    default: '0.01',
    takes: 'SHARE',
    means:
      'False accepts that a request may have: the share of strangers who are taken for somebody, between 1e-5 and 0.2, whatever ' +
      'the number of people compared.',
  }),
  learning: setting({
    env: 'TIMBRE_LEARNING',
    flag: 'learning',
    schema: onOrOff,
    default: 'off',
    takes: 'on|off',
    means:
      'Whether profiles learn from recordings that are verified, where neither the speaker nor a group of the speaker says so: ' +
      'see docs/profiles.md.',
  }),
  learnFalseAcceptRate: setting({
    env: 'TIMBRE_LEARN_FALSE_ACCEPT_RATE',
    flag: 'learn-false-accept-rate',
    schema: share,
    default: '0.00001',
    takes: 'SHARE',
    means:
      'Share of strangers whose recording may become part of a profile that they are verified against, between 1e-5 and 0.2; ' +
      'never more than a tenth of TIMBRE_FALSE_ACCEPT_RATE, or of the rate of the request.',
  }),
  learnedRecordings: setting({
    env: 'TIMBRE_LEARNED_RECORDINGS',
    flag: 'learned-recordings',
    schema: whole(1, 100),
    default: '10',
    takes: 'N',
    means:
      'Recordings that a profile learns beside those that are enrolled; one more takes the place of another learned one.',
    limit: true,
  }),
  confirmMinutes: setting({
    env: 'TIMBRE_CONFIRM_MINUTES',
    flag: 'confirm-minutes',
    schema: number(0, 1440),
    default: '10',
    takes: 'MINUTES',
    means:
      'Minutes for which a verification of a profile that learns may be confirmed; its voice vector waits, encrypted, as long. ' +
      '0: none waits.',
    limit: true,
  }),
  duplicates: setting({
    env: 'TIMBRE_DUPLICATES',
    flag: 'duplicates',
    schema: onOrOff,
    default: 'off',
    takes: 'on|off',
    means:
      'Whether every enrolment looks for somebody else with the same voice, `possibleDuplicate`, unless it says itself.',
  }),
  duplicateFalseAcceptRate: setting({
    env: 'TIMBRE_DUPLICATE_FALSE_ACCEPT_RATE',
    flag: 'duplicate-false-accept-rate',
    schema: share,
    default: '0.001',
    takes: 'SHARE',
    means:
      'Share of people who are nobody else of those enrolled, and are taken for a duplicate all the same, between 1e-5 and 0.2.',
  }),
  consent: setting({
    env: 'TIMBRE_CONSENT',
    flag: 'consent',
    schema: consentRule,
    default: 'required',
    takes: 'WHEN',
    means: "Whether a speaker's consent must be recorded before the first enrolment: `required` or `optional`.",
  }),
  keepRecordings: setting({
    env: 'TIMBRE_KEEP_RECORDINGS',
    flag: 'keep-recordings',
    schema: onOrOff,
    default: 'off',
    takes: 'on|off',
    means:
      'Whether the audio of enrolments is kept, encrypted, where no group of the speaker says so: see docs/recordings.md.',
  }),
  keptRecordingBytes: setting({
    env: 'TIMBRE_KEPT_RECORDING_BYTES',
    flag: 'kept-recording-bytes',
    schema: byteSize,
    default: '16MiB',
    takes: 'BYTES',
    means: 'Bytes of a recording whose audio is kept; a larger one is enrolled without.',
    limit: true,
  }),
  keptBytes: setting({
    env: 'TIMBRE_KEPT_BYTES',
    flag: 'kept-bytes',
    schema: byteSize,
    default: '10GiB',
    takes: 'BYTES',
    means: 'Bytes of all recordings whose audio is kept, together; what finds no room is enrolled without.',
    limit: true,
  }),
  recordingDays: setting({
    env: 'TIMBRE_RECORDING_DAYS',
    flag: 'recording-days',
    schema: number(0, 36_500),
    default: '0',
    defaultMeans: '0, which keeps it as long as the enrolment',
    takes: 'DAYS',
    means:
      'Days after which the audio of a kept recording is removed, while enrolment and profile stay: see docs/recordings.md.',
  }),
  retentionDays: setting({
    env: 'TIMBRE_RETENTION_DAYS',
    flag: 'retention-days',
    schema: number(0, 36_500),
    default: '0',
    defaultMeans: '0, which keeps them',
    takes: 'DAYS',
    means:
      'Days after the last enrolment, verification or identification of a speaker, after which the speaker is erased.',
  }),
  withdrawnDays: setting({
    env: 'TIMBRE_WITHDRAWN_DAYS',
    flag: 'withdrawn-days',
    schema: number(0, 36_500),
    default: '0',
    defaultMeans: '0, which keeps them until they are erased by hand',
    takes: 'DAYS',
    means: 'Days after which a speaker who has withdrawn consent is erased.',
  }),
  noticeDays: setting({
    env: 'TIMBRE_NOTICE_DAYS',
    flag: 'notice-days',
    schema: number(0, 36_500),
    default: '7',
    takes: 'DAYS',
    means:
      'Days between the notice that a speaker will be erased for age (in the log, the audit trail and `erasureAnnouncedAt`) ' +
      'and the erasure; no more than the days after which speakers are erased.',
  }),
  auditDays: setting({
    env: 'TIMBRE_AUDIT_DAYS',
    flag: 'audit-days',
    schema: number(0, 36_500),
    default: '0',
    defaultMeans: '0, which keeps it',
    takes: 'DAYS',
    means: 'Days after which an entry of the audit trail is deleted.',
  }),
  auditMatches: setting({
    env: 'TIMBRE_AUDIT_MATCHES',
    flag: 'audit-matches',
    schema: onOrOff,
    default: 'on',
    takes: 'on|off',
    means: 'Whether verifications and identifications go into the audit trail, as changes always do.',
  }),
  logLevel: setting({
    env: 'TIMBRE_LOG_LEVEL',
    flag: 'log-level',
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    default: 'info',
    takes: 'LEVEL',
    means: 'What is logged: `fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`.',
  }),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
