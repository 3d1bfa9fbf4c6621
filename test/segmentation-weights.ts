import { writeFile } from 'node:fs/promises';

const GATES = 512;

/** Every tensor of segmentation-3.0 with its shape, and how far its values lie from 0. */
function* tensors(): Generator<[name: string, shape: number[], reach: number]> {
  const affine = function* (name: string, shape: number[], reach: number): Generator<[string, number[], number]> {
    yield [`${name}.weight`, shape, reach];
    yield [`${name}.bias`, [shape[0]!], 0.5];
  };
  yield* affine('sincnet.wav_norm1d', [1], 1);
  yield ['sincnet.conv1d.0.filterbank.low_hz_', [40, 1], 6000];
  yield ['sincnet.conv1d.0.filterbank.band_hz_', [40, 1], 1000];
  yield* affine('sincnet.conv1d.1', [60, 80, 5], 0.1);
  yield* affine('sincnet.conv1d.2', [60, 60, 5], 0.1);
  yield* affine('sincnet.norm1d.0', [80], 1);
  yield* affine('sincnet.norm1d.1', [60], 1);
  yield* affine('sincnet.norm1d.2', [60], 1);
  for (let layer = 0; layer < 4; layer++) {
    for (const direction of ['', '_reverse']) {
      const end = `_l${layer}${direction}`;
      yield [`lstm.weight_ih${end}`, [GATES, layer === 0 ? 60 : 256], 0.2];
      yield [`lstm.weight_hh${end}`, [GATES, 128], 0.2];
      yield [`lstm.bias_ih${end}`, [GATES], 0.2];
      yield [`lstm.bias_hh${end}`, [GATES], 0.2];
    }
  }
  yield* affine('linear.0', [128, 256], 0.2);
  yield* affine('linear.1', [128, 128], 0.2);
  yield* affine('classifier', [7, 128], 0.5);
}

/**
 * A checkpoint of the segmentation network as safetensors, with the weights of a formula: it hears voices where there are
 * none, and the same ones every time.
 */
export async function writeSegmentationCheckpoint(path: string): Promise<void> {
  const header: Record<string, unknown> = {};
  const parts: Float32Array[] = [];
  let [offset, state] = [0, 1];
  for (const [name, shape, reach] of tensors()) {
    const values = new Float32Array(shape.reduce((count, size) => count * size, 1));
    for (let i = 0; i < values.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      values[i] = (reach * state) / 2 ** 31;
    }
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
    parts.push(values);
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await writeFile(path, Buffer.concat([length, text, ...parts.map(({ buffer }) => Buffer.from(buffer))]));
}
