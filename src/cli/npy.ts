import { open, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { writeFailure } from '../models/storage.js';

/** Bytes of the head of the file, fixed so that the number of rows can be written last. */
const HEAD_BYTES = 128;

/**
 * A NumPy file of float32 [rows, dimensions], written row by row (format 1.0,
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). It has its name when it is complete.
 */
export class NpyWriter {
  private rows = 0;

  private constructor(
    private readonly path: string,
    private readonly part: string,
    private readonly file: FileHandle,
    private readonly dimensions: number,
  ) {}

  /** Errors: WRITE_FAILED, of every method. */
  static async create(path: string, dimensions: number): Promise<NpyWriter> {
    const part = `${path}.${process.pid}.part`;
    try {
      const file = await open(part, 'wx');
      await file.write(head(0, dimensions));
      return new NpyWriter(path, part, file, dimensions);
    } catch (error) {
      throw writeFailure(error, path);
    }
  }

  async append(row: Float32Array): Promise<void> {
    const bytes = Buffer.alloc(row.length * 4);
    row.forEach((value, i) => bytes.writeFloatLE(value, i * 4));
    try {
      await this.file.appendFile(bytes);
    } catch (error) {
      throw writeFailure(error, this.path);
    }
    this.rows++;
  }

  /** Completes the file and writes `beside`, a JSON document, next to it: `<path>.json`. */
  async finish(beside: unknown): Promise<void> {
    try {
      await this.file.write(head(this.rows, this.dimensions), 0, HEAD_BYTES, 0);
      await this.file.close();
      await writeFile(`${this.path}.json`, `${JSON.stringify(beside)}\n`);
      await rename(this.part, this.path);
    } catch (error) {
      throw writeFailure(error, this.path);
    }
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await this.file.close();
    await rm(this.part, { force: true });
  }
}

function head(rows: number, dimensions: number): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES, ' ');
  bytes.write('\x93NUMPY\x01\x00', 'latin1');
  bytes.writeUInt16LE(HEAD_BYTES - 10, 8);
  bytes.write(`{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${dimensions}), }`, 10, 'latin1');
  bytes.write('\n', HEAD_BYTES - 1, 'latin1');
  return bytes;
}
