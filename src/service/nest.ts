/** `timbre-voice/nest`: the service as a module of a Nest application. */
export { TimbreModule } from './app/timbre.module.js';
export { Config, type ConfigInput, type ConfigValues } from './config/config.js';
export { EmbeddingEngine, type EngineListener, type EngineState } from './engine/embedding-engine.js';
export { TimbreError } from '../errors/timbre-error.js';
export { ERROR_CODES, type ErrorCode } from '../errors/error-codes.js';
export type { AudioInput, EmbedOptions, EmbedResult, EncoderInfo, EncoderStats } from '../addon/types.js';
