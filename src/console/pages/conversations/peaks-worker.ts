import { ALL_FORMATS, AudioSampleSink, BlobSource, Input, type AudioSample } from 'mediabunny';
import { ColumnMaker, type Columns } from './peaks.js';

/** What the worker tells: columns as they are made, and how it ended. */
export type PeaksMessage =
  | { is: 'columns'; columns: Columns }
  | { is: 'done' }
  /** The browser decodes no such recording. */
  | { is: 'unsupported' };

/** Seconds of audio that are told at once. */
const TOLD_SECONDS = 30;

/** The page's types know the window; a worker posts to its page. */
const page = self as unknown as { postMessage: (message: PeaksMessage, transfer?: Transferable[]) => void };

self.addEventListener('message', (event: MessageEvent<File>) => {
  decode(event.data).then(
    (is) => page.postMessage({ is }),
    // A recording that is damaged, or in a form that the browser does not know: what was decoded stays.
    () => page.postMessage({ is: 'unsupported' }),
  );
});

/** In pieces: a recording of hours is never in memory. */
async function decode(file: File): Promise<'done' | 'unsupported'> {
  const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
  const track = await input.getPrimaryAudioTrack();
  if (!track || !(await track.canDecode())) return 'unsupported';
  let maker: ColumnMaker | undefined;
  let told = 0;
  for await (const sample of new AudioSampleSink(track).samples()) {
    maker ??= new ColumnMaker(sample.sampleRate);
    const missing = Math.round((sample.timestamp - maker.seconds) * sample.sampleRate);
    // A hole in the recording is silence.
    if (missing > sample.sampleRate / 100) maker.push(new Float32Array(missing));
    maker.push(mixed(sample));
    sample.close();
    if (maker.seconds - told < TOLD_SECONDS) continue;
    told = maker.seconds;
    tell(maker.take());
  }
  maker?.finish();
  if (maker) tell(maker.take());
  return maker ? 'done' : 'unsupported';
}

function tell(columns: Columns): void {
  page.postMessage({ is: 'columns', columns }, [columns.low.buffer, columns.high.buffer]);
}

/** All channels as one. */
function mixed(sample: AudioSample): Float32Array {
  const { numberOfFrames, numberOfChannels } = sample;
  const sum = new Float32Array(numberOfFrames);
  const plane = new Float32Array(numberOfFrames);
  for (let channel = 0; channel < numberOfChannels; channel++) {
    sample.copyTo(plane, { planeIndex: channel, format: 'f32-planar' });
    for (let i = 0; i < numberOfFrames; i++) sum[i]! += plane[i]! / numberOfChannels;
  }
  return sum;
}
