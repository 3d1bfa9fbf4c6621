import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';

/** A recording in memory begins with the first of these and moves to the next where it does not fit any more. */
const BLOCK_BYTES = [128, 256, 512, 1024].map((kib) => kib * 1024);

/** Larger recordings are no bother to write, and would soon fill the memory that there is for small ones. */
export const SMALL_RECORDING_BYTES = BLOCK_BYTES.at(-1)!;

/**
 * Memory for recordings that are held outside files, of all requests. Blocks are used again: one of
 * its own for each recording would have V8 collect its whole heap every few hundred requests.
 */
@Injectable()
export class UploadMemory {
  private readonly free = new Map<number, Buffer[]>(BLOCK_BYTES.map((bytes) => [bytes, []]));
  /** Of all blocks, free or not. */
  private allocated = 0;
  private used = 0;

  constructor(private readonly config: Config) {}

  /** Bytes of the blocks that hold a recording. */
  get inUse(): number {
    return this.used;
  }

  /** For one recording. */
  room(): MemoryRoom {
    return new MemoryRoom(this);
  }

  /** A block of at least so many bytes; undefined where there is none. */
  take(bytes: number): Buffer | undefined {
    const size = BLOCK_BYTES.find((each) => each >= bytes);
    if (size === undefined) return undefined;
    const block = this.free.get(size)!.pop() ?? this.allocate(size);
    if (block) this.used += size;
    return block;
  }

  give(block: Buffer): void {
    this.used -= block.length;
    this.free.get(block.length)!.push(block);
  }

  private allocate(size: number): Buffer | undefined {
    const { uploadMemoryBytes } = this.config;
    for (const [other, blocks] of this.free) {
      while (this.allocated + size > uploadMemoryBytes && blocks.pop()) this.allocated -= other;
    }
    if (this.allocated + size > uploadMemoryBytes) return undefined;
    this.allocated += size;
    return Buffer.allocUnsafeSlow(size);
  }
}

/** One recording in memory, as far as it has come. */
export class MemoryRoom {
  private block: Buffer | undefined;
  private length = 0;

  constructor(private readonly memory: UploadMemory) {}

  /** What was appended; another's once it is released. */
  get bytes(): Buffer {
    return this.block?.subarray(0, this.length) ?? Buffer.alloc(0);
  }

  /** False where it finds no room; what was appended before stays. */
  append(chunk: Buffer): boolean {
    const length = this.length + chunk.length;
    if (length > (this.block?.length ?? 0) && !this.grow(length)) return false;
    chunk.copy(this.block!, this.length);
    this.length = length;
    return true;
  }

  /** Overwrites the recording and gives its memory back; to be called once or more. */
  release(): void {
    if (!this.block) return;
    this.block.fill(0, 0, this.length);
    this.memory.give(this.block);
    this.block = undefined;
    this.length = 0;
  }

  private grow(length: number): boolean {
    const block = this.memory.take(length);
    if (!block) return false;
    const kept = this.bytes.copy(block);
    this.release();
    this.block = block;
    this.length = kept;
    return true;
  }
}
