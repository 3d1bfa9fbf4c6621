// Generated from scripts/errors.json by scripts/generate-errors.mjs.

/** Every error code with its HTTP status, exit status and meaning. */
export const ERROR_CODES = {
  INVALID_ARGUMENT: { http: 400, exit: 2, means: 'A call, option or request body is not of the documented form.' },
  UNAUTHENTICATED: { http: 401, exit: 10, means: 'The API key is missing, unknown, expired or revoked.' },
  FORBIDDEN_PATH: { http: 403, exit: 11, means: 'The path lies outside the configured audio roots.' },
  SPEAKER_NOT_FOUND: { http: 404, exit: 12, means: 'No speaker has this id.' },
  MODEL_NOT_FOUND: { http: 404, exit: 13, means: 'No model bundle has this id, or no file is at this path.' },
  SPEAKER_EXISTS: { http: 409, exit: 14, means: 'A speaker with this id exists already.' },
  NOT_ENROLLED: { http: 409, exit: 15, means: 'The speaker has not enough enrolled speech yet.' },
  MODEL_MISMATCH: { http: 409, exit: 16, means: 'Embeddings of different models or front ends cannot be compared.' },
  MODEL_EXISTS: { http: 409, exit: 17, means: 'A model bundle with this id exists already.' },
  AUDIO_TOO_LARGE: { http: 413, exit: 20, means: 'The recording has more bytes than the limit.' },
  AUDIO_UNSUPPORTED: { http: 415, exit: 21, means: 'The container, codec, sample rate or channel count is not supported here.' },
  AUDIO_CORRUPT: { http: 422, exit: 22, means: 'The recording is damaged: empty, truncated, or holding values that are no samples.' },
  AUDIO_TOO_SHORT: { http: 422, exit: 23, means: 'The recording is shorter than the model can embed.' },
  AUDIO_TOO_LONG: { http: 422, exit: 24, means: 'The recording is longer than the limit.' },
  AUDIO_NOT_FOUND: { http: 404, exit: 25, means: 'The recording\'s file does not exist or may not be read.' },
  NO_SPEECH: { http: 422, exit: 26, means: 'The recording holds nothing but silence.' },
  OVERLOADED: { http: 429, exit: 30, means: 'The queue is full; try again later.' },
  ABORTED: { http: 499, exit: 31, means: 'The caller cancelled the call before it was finished.' },
  INFERENCE_FAILED: { http: 500, exit: 40, means: 'The model failed on this input.' },
  INTERNAL: { http: 500, exit: 1, means: 'A defect in Timbre; please report it.' },
  MODEL_INVALID: { http: 500, exit: 41, means: 'The model bundle or checkpoint is damaged, of another format, or not what its manifest says.' },
  ADDON_UNAVAILABLE: { http: 500, exit: 42, means: 'The native addon is not built or cannot be loaded on this machine.' },
  DEVICE_UNAVAILABLE: { http: 503, exit: 43, means: 'The device that was asked for is not there.' },
  MODEL_NOT_READY: { http: 503, exit: 44, means: 'The model is still loading.' },
  OUT_OF_MEMORY: { http: 503, exit: 45, means: 'Memory ran out on the processor or the device.' },
  ENGINE_CLOSED: { http: 503, exit: 46, means: 'The encoder was closed.' },
  DOWNLOAD_FAILED: { http: 502, exit: 49, means: 'A file could not be fetched: no connection, the server refuses, or the bytes are not the published ones.' },
  DEADLINE_EXCEEDED: { http: 504, exit: 47, means: 'The deadline passed before the work was done.' },
  WRITE_FAILED: { http: 507, exit: 48, means: 'A file cannot be written: the disk is full or read-only, or permission is missing.' },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
