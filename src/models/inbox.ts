/** Bytes that wait for the disk before the network is held up. */
const HELD_BYTES = 4 << 20;

/**
 * The chunks of a response's body, read as they arrive. A stream that fails drops what it still holds; here, what came
 * before a cut is given before the cut is thrown, so that every connection counts, however short.
 */
export class Inbox implements AsyncIterable<Uint8Array> {
  private readonly chunks: Uint8Array[] = [];
  private held = 0;
  private ended = false;
  private cut: { error: unknown } | undefined;
  private wakeReader = (): void => undefined;
  private wakePump = (): void => undefined;

  /** Starts reading. Aborting the request ends it. */
  constructor(body: AsyncIterable<unknown> | null) {
    void this.pump(body);
  }

  private async pump(body: AsyncIterable<unknown> | null): Promise<void> {
    try {
      for await (const chunk of body ?? []) {
        this.chunks.push(chunk as Uint8Array);
        this.held += (chunk as Uint8Array).length;
        this.wakeReader();
        while (this.held > HELD_BYTES && !this.ended) await new Promise<void>((wake) => (this.wakePump = wake));
        if (this.ended) return;
      }
    } catch (error) {
      this.cut = { error };
    } finally {
      this.ended = true;
      this.wakeReader();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.chunks.shift();
        if (chunk) {
          this.held -= chunk.length;
          this.wakePump();
          yield chunk;
        } else if (this.cut) {
          throw this.cut.error;
        } else if (this.ended) {
          return;
        } else {
          await new Promise<void>((wake) => (this.wakeReader = wake));
        }
      }
    } finally {
      this.ended = true;
      this.wakePump();
    }
  }
}
