import workletAddress from './pcm.worklet.ts?worker&url';

/** Why there is no microphone; each has a sentence of its own. */
export type MicrophoneReason = 'unsupported' | 'insecure' | 'denied' | 'missing' | 'busy' | 'unplugged' | 'failed';

export class MicrophoneError extends Error {
  constructor(
    readonly reason: MicrophoneReason,
    options?: ErrorOptions,
  ) {
    super(reason, options);
    this.name = 'MicrophoneError';
  }
}

const REASONS: Readonly<Record<string, MicrophoneReason>> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  DevicesNotFoundError: 'missing',
  NotReadableError: 'busy',
  AbortError: 'busy',
};

/** What moves a voice: a profile of one setting and a claim of the other are two voices to the model. */
const AS_IT_IS = { echoCancellation: false, autoGainControl: false, noiseSuppression: false } as const;

/** Devices by their names, which browsers tell once the microphone was allowed. */
export async function listMicrophones(): Promise<{ id: string; label: string }[]> {
  const devices = (await (navigator.mediaDevices as MediaDevices | undefined)?.enumerateDevices()) ?? [];
  return devices
    .filter(({ kind, deviceId }) => kind === 'audioinput' && deviceId !== '')
    .map(({ deviceId, label }) => ({ id: deviceId, label }));
}

interface MicrophoneEvents {
  /** The next samples, of one channel, in [-1, 1]. */
  onSamples: (samples: Float32Array) => void;
  /** The device went away by itself. */
  onLost: () => void;
}

/** A microphone that is open: its samples come as they are heard. */
export class Microphone {
  private constructor(
    private readonly stream: MediaStream,
    private readonly context: AudioContext,
    /** Of the device, as the browser names it. */
    readonly label: string,
    /** Of the samples, Hz. */
    readonly sampleRate: number,
    /** Of the device itself, Hz, where the browser tells it. */
    readonly deviceRate: number | null,
    /** What the browser does to the sound though it was asked not to. */
    readonly altered: readonly (keyof typeof AS_IT_IS)[],
  ) {}

  /** Errors: MicrophoneError. */
  static async open(deviceId: string | null, events: MicrophoneEvents): Promise<Microphone> {
    if (!window.isSecureContext) throw new MicrophoneError('insecure');
    if (!('mediaDevices' in navigator) || !('AudioWorkletNode' in window)) throw new MicrophoneError('unsupported');
    let stream: MediaStream;
    try {
      const device = deviceId === null ? {} : { deviceId: { exact: deviceId } };
      stream = await navigator.mediaDevices.getUserMedia({ audio: { ...AS_IT_IS, channelCount: 1, ...device } });
    } catch (cause) {
      throw new MicrophoneError(REASONS[(cause as Error).name] ?? 'failed', { cause });
    }
    const context = new AudioContext();
    try {
      await context.audioWorklet.addModule(workletAddress);
      const track = stream.getAudioTracks()[0]!;
      const settings = track.getSettings();
      const node = new AudioWorkletNode(context, 'timbre-pcm', { numberOfOutputs: 0 });
      node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => events.onSamples(data);
      context.createMediaStreamSource(stream).connect(node);
      await context.resume();
      track.addEventListener('ended', events.onLost);
      const altered = (Object.keys(AS_IT_IS) as (keyof typeof AS_IT_IS)[]).filter((name) => settings[name] === true);
      return new Microphone(stream, context, track.label, context.sampleRate, settings.sampleRate ?? null, altered);
    } catch (cause) {
      for (const track of stream.getTracks()) track.stop();
      await context.close();
      throw new MicrophoneError('failed', { cause });
    }
  }

  async close(): Promise<void> {
    for (const track of this.stream.getTracks()) track.stop();
    if (this.context.state !== 'closed') await this.context.close();
  }
}
