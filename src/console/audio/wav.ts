const HEADER_BYTES = 44;
const FULL_SCALE = 32_767;

/** A recording as a WAV file: 16 bits, one channel. Samples beyond full scale are cut there. */
export function wavOf(chunks: readonly Float32Array[], sampleRate: number): ArrayBuffer {
  const samples = chunks.reduce((sum, { length }) => sum + length, 0);
  const file = new ArrayBuffer(HEADER_BYTES + samples * 2);
  const view = new DataView(file);
  const text = (at: number, word: string): void => {
    for (let i = 0; i < word.length; i++) view.setUint8(at + i, word.charCodeAt(i));
  };
  text(0, 'RIFF');
  view.setUint32(4, file.byteLength - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, samples * 2, true);
  let at = HEADER_BYTES;
  for (const chunk of chunks) {
    for (const sample of chunk) {
      view.setInt16(at, Math.round(Math.max(-1, Math.min(1, sample)) * FULL_SCALE), true);
      at += 2;
    }
  }
  return file;
}
