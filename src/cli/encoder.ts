import type { SpeakerEncoder } from '../addon/index.js';
import type { Precision } from '../support/precision.js';
import type { LoadOptions } from '../addon/types.js';
import { findBundle, modelFolders } from '../models/cache.js';
import type { Cli } from './cli.js';

export interface EncoderOptions {
  model: string;
  device: string;
  precision?: Precision;
  allowCode?: string;
  workers?: number;
}

/** Loads a model for a command, gives it to `use` and closes it, whatever happens. */
export async function withEncoder<T>(
  cli: Cli,
  { model, device, precision, allowCode, workers }: EncoderOptions,
  more: Partial<LoadOptions>,
  use: (encoder: SpeakerEncoder) => Promise<T>,
): Promise<T> {
  const [{ SpeakerEncoder }, { runtimeInfo }] = await Promise.all([
    import('../addon/index.js'),
    import('../addon/bundles.js'),
  ]);
  const encoder = await SpeakerEncoder.load({
    model: await findBundle(model, modelFolders(cli.env)),
    device: device as NonNullable<LoadOptions['device']>,
    ...(precision !== undefined && { precision }),
    ...(allowCode !== undefined && { allowCode }),
    ...(workers !== undefined && { workers }),
    ...more,
  });
  try {
    const { id, trained, device: used, deviceNote } = encoder.info();
    if (!trained) cli.warn(`the model ${id} is untrained: its embeddings say nothing about who speaks`);
    // That a build without CUDA runs on the processor is no news.
    if (deviceNote !== '' && runtimeInfo().torch.cudaBuilt) cli.note(`on ${used}: ${deviceNote}`);
    return await use(encoder);
  } finally {
    await encoder.close();
  }
}
