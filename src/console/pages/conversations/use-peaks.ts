import { useEffect, useState } from 'react';
import { Peaks } from './peaks.js';
import type { PeaksMessage } from './peaks-worker.js';

export interface Waveform {
  peaks: Peaks;
  /** Counts up with what is decoded: peaks grow in place. */
  version: number;
  state: 'drawing' | 'done' | 'unsupported';
}

/** The waveform of a recording of this browser, decoded beside the page; null without a recording. */
export function useWaveform(file: File | null): Waveform | null {
  const [waveform, setWaveform] = useState<(Waveform & { of: File }) | null>(null);
  useEffect(() => {
    if (!file) return undefined;
    const peaks = new Peaks();
    const worker = new Worker(new URL('./peaks-worker.ts', import.meta.url), { type: 'module' });
    const tell = (state: Waveform['state']): void => {
      setWaveform((before) => ({ of: file, peaks, state, version: (before?.version ?? 0) + 1 }));
    };
    worker.addEventListener('message', ({ data }: MessageEvent<PeaksMessage>) => {
      if (data.is === 'columns') peaks.add(data.columns);
      tell(data.is === 'columns' ? 'drawing' : data.is);
    });
    worker.addEventListener('error', () => tell('unsupported'));
    worker.postMessage(file);
    return () => worker.terminate();
  }, [file]);
  return waveform !== null && waveform.of === file ? waveform : null;
}
