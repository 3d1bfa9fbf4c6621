import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Config } from '../config/config.js';
import { RecordingSink } from './recording-sink.js';
import { SMALL_RECORDING_BYTES, UploadMemory } from './upload-memory.js';

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-sink-'));
});
afterAll(() => rm(folder, { recursive: true }));

const memoryOf = (uploadMemoryBytes: number): UploadMemory => new UploadMemory(Config.of({ uploadMemoryBytes }));

const CHUNK = 10_000;

/** What comes of bytes that arrive in chunks, and what the sink still holds in memory. */
async function keep(
  bytes: Buffer,
  path: string,
  uploadMemoryBytes: number,
): Promise<ReturnType<RecordingSink['take']> & { held: number }> {
  const memory = memoryOf(uploadMemoryBytes);
  const sink = new RecordingSink(path, memory.room());
  const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_, i) =>
    bytes.subarray(i * CHUNK, (i + 1) * CHUNK),
  );
  await pipeline(Readable.from(chunks), sink);
  return { ...sink.take(), held: memory.inUse };
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('RecordingSink', () => {
  it('holds what is small in memory, and writes nothing', async () => {
    const bytes = randomBytes(96_044);
    const { audio, ...rest } = await keep(bytes, at('none'), 1e6);
    expect(bytes.equals(audio as Buffer)).toBe(true);
    expect(rest).toEqual({ sha256: sha256(bytes), held: 128 * 1024, bytes: bytes.length });
    expect(await readdir(folder)).not.toContain('none');
  });

  it.each([
    ['is large', SMALL_RECORDING_BYTES + 1, 2 ** 30],
    ['finds no room half way', 200_044, 140_000],
    ['may hold nothing', 96_044, 0],
  ])('writes all of what %s into a file that nobody else reads, and gives the memory back', async (why, size, most) => {
    const bytes = randomBytes(size);
    const path = at(`new/${why}`);
    const { audio, ...rest } = await keep(bytes, path, most);
    expect(audio).toBe(path);
    expect(bytes.equals(await readFile(path))).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(rest).toEqual({ sha256: sha256(bytes), held: 0, bytes: size });
  });

  it('gives an empty recording as no bytes', async () => {
    expect(await keep(Buffer.alloc(0), at('empty'), 1e6)).toMatchObject({ audio: Buffer.alloc(0), bytes: 0 });
  });

  it('fails with WRITE_FAILED where there can be no file', async () => {
    await writeFile(at('no-folder'), '');
    await expect(keep(randomBytes(50_000), at('no-folder/x'), 0)).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      message: expect.stringContaining('TIMBRE_UPLOAD_DIR') as unknown,
    });
  });

  it('has made and closed its file once it is closed, though it was destroyed before it was open', async () => {
    const sink = new RecordingSink(at('broken-off'), memoryOf(0).room());
    sink.on('error', () => undefined);
    sink.write(randomBytes(1000));
    const closed = new Promise((resolve) => sink.once('close', resolve));
    sink.destroy(new Error('the client went away'));
    await closed;
    expect(await readdir(folder)).toContain('broken-off');
    await sink.remove();
    expect(await readdir(folder)).not.toContain('broken-off');
  });

  it('leaves nothing once it is removed, though it was destroyed before its file was open', async () => {
    const memory = memoryOf(128 * 1024);
    const sink = new RecordingSink(at('cut-off'), memory.room());
    sink.on('error', () => undefined);
    sink.write(randomBytes(100_000));
    sink.write(randomBytes(100_000));
    sink.destroy(new Error('the client went away'));
    await sink.remove();
    expect([await readdir(folder), memory.inUse]).toEqual([expect.not.arrayContaining(['cut-off']), 0]);
  });

  it('leaves a file alone that somebody has taken over', async () => {
    const sink = new RecordingSink(at('taken'), memoryOf(0).room());
    await pipeline(Readable.from([randomBytes(1000)]), sink);
    await rename(at('taken'), at('theirs'));
    await sink.remove();
    expect(await readdir(folder)).toContain('theirs');
  });
});

describe('UploadMemory', () => {
  const KIB = 1024;

  it('holds a recording that comes in chunks in one piece', () => {
    const memory = memoryOf(10 * 1024 * KIB);
    const bytes = randomBytes(700 * KIB + 3);
    const room = memory.room();
    for (let i = 0; i < bytes.length; i += 50 * KIB) expect(room.append(bytes.subarray(i, i + 50 * KIB))).toBe(true);
    expect(room.bytes.equals(bytes)).toBe(true);
    expect(memory.inUse).toBe(1024 * KIB);
    room.release();
    room.release();
    expect(memory.inUse).toBe(0);
  });

  it('is shared by all recordings, and used again', () => {
    const memory = memoryOf(300 * KIB);
    const [one, two, three] = [memory.room(), memory.room(), memory.room()];
    const chunk = randomBytes(100 * KIB);
    expect([one.append(chunk), two.append(chunk), three.append(chunk)]).toEqual([true, true, false]);
    expect(two.append(chunk)).toBe(false);
    expect(two.bytes.equals(chunk)).toBe(true);
    const before = one.bytes;
    one.release();
    expect(before.every((byte) => byte === 0)).toBe(true);
    expect(three.append(chunk)).toBe(true);
    expect(three.bytes.buffer).toBe(before.buffer);
    // What lies free is given up for a block of another size.
    two.release();
    three.release();
    expect([one.append(randomBytes(200 * KIB)), memory.inUse]).toEqual([true, 256 * KIB]);
  });
});
