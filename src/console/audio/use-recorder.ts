import { useCallback, useEffect, useRef, useState } from 'react';
import { LevelMeter, type Levels } from './levels.js';
import { listMicrophones, Microphone, MicrophoneError, type MicrophoneReason } from './microphone.js';
import { useAskBeforeLeaving } from '../ui/use-ask-before-leaving.js';
import { wavOf } from './wav.js';

const DEVICE_NAME = 'timbre-microphone';

/** A recording that was made here. */
export interface Take {
  file: File;
  seconds: number;
  levels: Levels;
  /** Name of the device, as the browser says it. */
  device: string;
}

export interface Recorder {
  state: 'idle' | 'opening' | 'recording';
  levels: Levels | null;
  problem: MicrophoneReason | null;
  devices: readonly { id: string; label: string }[];
  /** Empty: the browser's own choice. */
  deviceId: string;
  chooseDevice: (id: string) => void;
  /** What is known of the microphone that is, or was, open. */
  microphone: Pick<Microphone, 'label' | 'deviceRate' | 'altered'> | null;
  start: () => Promise<void>;
  /** Null where nothing was heard. */
  stop: () => Take | null;
}

/**
 * Records the microphone as it is heard, and measures it meanwhile. A device that goes away, or a look at another page, ends
 * the recording, which is kept; the browser asks before it closes the page.
 */
export function useRecorder(name: string, onTake: (take: Take) => void): Recorder {
  const [state, setState] = useState<Recorder['state']>('idle');
  const [levels, setLevels] = useState<Levels | null>(null);
  const [problem, setProblem] = useState<MicrophoneReason | null>(null);
  const [devices, setDevices] = useState<Recorder['devices']>([]);
  const [deviceId, setDeviceId] = useState(() => localStorage.getItem(DEVICE_NAME) ?? '');
  const [microphone, setMicrophone] = useState<Recorder['microphone']>(null);
  const current = useRef<{ microphone: Microphone; chunks: Float32Array[]; meter: LevelMeter } | null>(null);
  const opening = useRef(false);
  const count = useRef(0);
  const told = useRef(onTake);
  useEffect(() => {
    told.current = onTake;
  }, [onTake]);

  const refreshDevices = useCallback(async () => setDevices(await listMicrophones()), []);

  useEffect(() => {
    const media = navigator.mediaDevices as MediaDevices | undefined;
    const refresh = (): void => void refreshDevices();
    refresh();
    media?.addEventListener('devicechange', refresh);
    return () => media?.removeEventListener('devicechange', refresh);
  }, [refreshDevices]);

  useAskBeforeLeaving(state === 'recording');

  const stop = useCallback((): Take | null => {
    const recording = current.current;
    if (!recording) return null;
    current.current = null;
    setState('idle');
    setLevels(null);
    void recording.microphone.close();
    if (recording.chunks.length === 0) return null;
    const { sampleRate, label } = recording.microphone;
    const last = recording.meter.levels;
    const file = new File([wavOf(recording.chunks, sampleRate)], `${name}-${++count.current}.wav`, {
      type: 'audio/wav',
    });
    const take = { file, seconds: last.seconds, levels: last, device: label };
    told.current(take);
    return take;
  }, [name]);

  const start = useCallback(async () => {
    if (opening.current || current.current) return;
    opening.current = true;
    setProblem(null);
    setState('opening');
    const chunks: Float32Array[] = [];
    let meter: LevelMeter | null = null;
    try {
      const opened = await Microphone.open(deviceId === '' ? null : deviceId, {
        onSamples: (samples) => {
          chunks.push(samples);
          if (meter) setLevels(meter.add(samples));
        },
        onLost: () => {
          setProblem('unplugged');
          stop();
        },
      });
      meter = new LevelMeter(opened.sampleRate);
      for (const samples of chunks) meter.add(samples);
      current.current = { microphone: opened, chunks, meter };
      setMicrophone({ label: opened.label, deviceRate: opened.deviceRate, altered: opened.altered });
      setState('recording');
      void refreshDevices();
    } catch (error) {
      setState('idle');
      setProblem(error instanceof MicrophoneError ? error.reason : 'failed');
    } finally {
      opening.current = false;
    }
  }, [deviceId, refreshDevices, stop]);

  const onUnmount = useRef(stop);
  useEffect(() => {
    onUnmount.current = stop;
  }, [stop]);
  useEffect(() => () => void onUnmount.current(), []);

  const chooseDevice = useCallback((id: string) => {
    localStorage.setItem(DEVICE_NAME, id);
    setDeviceId(id);
  }, []);

  return { state, levels, problem, devices, deviceId, chooseDevice, microphone, start, stop };
}
