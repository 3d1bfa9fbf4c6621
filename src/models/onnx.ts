import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PACKAGE_FOLDER } from '../support/package.js';
import type { ErrorCode } from '../errors/error-codes.js';
import { TimbreError } from '../errors/timbre-error.js';

export interface OnnxExport {
  bundle: string;
  /** File to write; an older one is replaced. */
  out: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

export interface OnnxReport {
  opset: number;
  /** Whether the file was run by onnxruntime and compared with the bundle. */
  checked: boolean;
  /** Largest |ONNX - bundle| / |bundle| of an embedding. */
  maxRelativeError?: number;
  onnxruntime?: string;
}

/** What models/timbre_models/onnx.py says on its last line. */
type Answer = OnnxReport | { error: string; code: ErrorCode };

/**
 * Writes a bundle's network as ONNX: `features` float32[B, T, F] and `lengths` int64[B] to `embedding` float32[B, D].
 * Runs in the set-up's Python; nothing else of Timbre needs it.
 *
 * Errors: INVALID_ARGUMENT where Python or one of its packages is missing, with the command that installs it;
 * MODEL_INVALID, WRITE_FAILED, ABORTED.
 */
export async function exportOnnx({ bundle, out, env = process.env, signal }: OnnxExport): Promise<OnnxReport> {
  const python = env.TIMBRE_PYTHON || join(PACKAGE_FOLDER, '.venv', 'bin', 'python');
  if (!existsSync(python)) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `the export to ONNX needs the Python of the set-up, which is not at ${python}: run \`npm run setup\` in a clone ` +
        'of Timbre, or name a Python that has models/requirements-onnx.txt installed by TIMBRE_PYTHON',
    );
  }
  const { stdout, stderr } = await promisify(execFile)(python, ['-m', 'timbre_models.onnx', bundle, '--out', out], {
    env: { ...env, PYTHONPATH: join(PACKAGE_FOLDER, 'models') },
    maxBuffer: 64 << 20,
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw new TimbreError('ABORTED', 'the export was cancelled', { cause: error });
    return error as { stdout: string; stderr: string };
  });
  const answer = parse(stdout);
  if (answer === undefined) {
    throw new TimbreError('INTERNAL', `the export to ONNX failed: ${stderr.trim().split('\n').slice(-5).join('\n')}`);
  }
  if ('error' in answer) throw new TimbreError(answer.code, answer.error);
  return answer;
}

function parse(stdout: string): Answer | undefined {
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Answer;
  } catch {
    return undefined;
  }
}
