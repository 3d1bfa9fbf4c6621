// Many utterances of mixed lengths and formats through the service, errors mixed in: does it grow?
//
//   npm run build && node bench/reliability/soak.mjs [--utterances 100000] [--lanes 4] [--seconds S] [--out FILE]
//
// Beside FILE lies the curve as SVG. Exit status 1 where resident memory grew by 2 % or more after the first 5,000
// utterances, descriptors or temporary files are left over, or an answer was not what its recording deserves.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { formBody } from '../../test/fuzz/http-requests.mjs';
import { describeMachine } from '../js/machine.mjs';
import { linePlot } from '../js/plots.mjs';
import { PATIENT } from './patience.mjs';
import { serve } from './served.mjs';

const { values } = parseArgs({
  options: {
    utterances: { type: 'string', default: '100000' },
    lanes: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '0' },
    out: { type: 'string' },
  },
});
const [utterances, lanes, seconds] = [values.utterances, values.lanes, values.seconds].map(Number);

/** Where growth is counted from, and the utterances whose samples are averaged at both ends. */
const WARM = 5000;
const WINDOW = 5000;
const SAMPLE_EVERY = 250;
const MOST_GROWTH = 0.02;

const SHORTEST = 0.3;
const LONGEST = 20;
const CLIPS = 240;
const VOICES = ['m1', 'm2', 'm3', 'm4', 'f1', 'f2', 'f3', 'f4'];
const TEXT =
  'The north wind and the sun were disputing which was the stronger, when a traveller came along in a warm cloak. ' +
  'They agreed that whoever first made the traveller take off the cloak should be considered the stronger one. ' +
  'Then the north wind blew as hard as it could, but the more it blew, the closer the traveller drew the cloak. ' +
  'At last the north wind gave up, and the sun shone out warmly, and the traveller took off the cloak at once.';

/** ffmpeg's words by format. */
const FORMATS = {
  wav: '-ar 16000',
  'wav, 44.1 kHz stereo': '-ar 44100 -ac 2 -f wav',
  'wav, 8 kHz': '-ar 8000 -f wav',
  flac: '-ar 16000',
  mp3: '-c:a libmp3lame -b:a 48k -ar 24000',
  ogg: '-c:a libvorbis -ar 22050',
  opus: '-c:a libopus -b:a 24k',
};

/** Speakers of each lane, which no other lane touches; one is erased and made again after so many recordings. */
const SPEAKERS = 5;
const MOST_RECORDINGS = 12;

let state = 7;
const random = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
/** @template T @param {readonly T[]} list @returns {T} */
const oneOf = (list) => /** @type {T} */ (list[Math.floor(random() * list.length)]);

/** @typedef {{ bytes: Buffer, seconds: number, format: string }} Clip */

/**
 * Speech of 0.3 to 20 s, most of it short, in all formats.
 * @param {string} folder
 * @returns {Clip[]}
 */
function makeClips(folder) {
  mkdirSync(folder);
  const voices = VOICES.map((voice) => {
    const path = join(folder, `${voice}.wav`);
    execFileSync('espeak-ng', ['-v', `en-us+${voice}`, '-w', path, TEXT]);
    return path;
  });
  const formats = Object.entries(FORMATS);
  return Array.from({ length: CLIPS }, (_, i) => {
    const [format, words] = /** @type {[string, string]} */ (formats[i % formats.length]);
    const length = SHORTEST * (LONGEST / SHORTEST) ** (random() ** 1.6);
    const path = join(folder, `${i}.${/^\w+/.exec(format)?.[0] ?? ''}`);
    const cut = ['-ss', String(random() * 2), '-t', String(length), '-i', oneOf(voices)];
    execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...cut, ...words.split(' '), path]);
    return { bytes: readFileSync(path), seconds: length, format };
  });
}

/** What is wrong with a recording, and what the service may answer to it. */
const FAULTS = {
  'cut in the middle': {
    make: (/** @type {Buffer} */ bytes) => bytes.subarray(0, bytes.length >> 1),
    statuses: [200, 201, 415, 422],
  },
  'bytes changed': { make: scrambled, statuses: [200, 201, 415, 422] },
  'no recording': { make: () => Buffer.from('these are words, not sounds\n'), statuses: [415] },
  empty: { make: () => Buffer.alloc(0), statuses: [422] },
  'too short': { make: () => pcm(0.02, 8000), statuses: [200, 201, 422] },
  silence: { make: () => pcm(1, 0), statuses: [200, 201, 422] },
};

/** @param {Buffer} bytes */
function scrambled(bytes) {
  const copy = Buffer.from(bytes);
  for (let i = 0; i < 20; i++) copy[Math.floor(random() * copy.length)] = Math.floor(256 * random());
  return copy;
}

/** WAV of a tone, 16 kHz. @param {number} length seconds @param {number} height */
function pcm(length, height) {
  const samples = Math.round(16_000 * length);
  const bytes = Buffer.alloc(44 + 2 * samples);
  bytes.write('RIFF    WAVEfmt ', 'latin1');
  bytes.writeUInt32LE(36 + 2 * samples, 4);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(16_000, 24);
  bytes.writeUInt32LE(32_000, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(2 * samples, 40);
  for (let i = 0; i < samples; i++) bytes.writeInt16LE(Math.round(height * Math.sin(i / 10)), 44 + 2 * i);
  return bytes;
}

let serial = 0;
/** The same recording in a file of its own, so that it is not known by its hash. @param {Buffer} bytes */
function unheard(bytes) {
  if (bytes.toString('latin1', 0, 4) !== 'RIFF') return bytes;
  const note = Buffer.from('note\x08\0\0\0        ', 'latin1');
  note.writeUInt32LE(++serial, 8);
  const made = Buffer.concat([bytes, note]);
  made.writeUInt32LE(made.length - 8, 4);
  return made;
}

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-soak-'));
const clips = makeClips(join(folder, 'clips'));
const service = await serve(folder, { ...PATIENT, TIMBRE_ENROLLMENT_SECONDS: '5' });
const { hostname, port } = new URL(service.url);
const agent = new Agent({ keepAlive: true });

/**
 * @param {string} method
 * @param {string} path
 * @param {{ headers: Record<string, string>, body: Buffer }} [form]
 * @param {number} [cut] bytes after which the client goes away
 * @returns {Promise<{ status: number, body: any }>} status 0 where the client went away
 */
function call(method, path, form, cut) {
  return new Promise((resolve, reject) => {
    const length = form ? { 'content-length': String(form.body.length) } : {};
    const outgoing = httpRequest({
      hostname,
      port,
      agent,
      method,
      path,
      headers: { ...form?.headers, ...length, 'x-api-key': service.key },
    });
    outgoing.on('error', (error) => {
      if (cut !== undefined) resolve({ status: 0, body: null });
      // The service had closed a connection that nobody used for long.
      else if (outgoing.reusedSocket) resolve(call(method, path, form));
      else reject(error);
    });
    outgoing.on('response', (response) => {
      /** @type {Buffer[]} */
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, body: text === '' ? null : JSON.parse(text) });
      });
    });
    if (cut === undefined || !form) outgoing.end(form?.body);
    else outgoing.write(form.body.subarray(0, cut), () => outgoing.destroy());
  });
}

const json = (/** @type {unknown} */ value) => ({
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(value)),
});

/** @type {Record<string, number>} */
const counts = {};
/** @type {Record<string, number>} */
const answers = {};
/** @type {string[]} */
const unexpected = [];
/** @type {({ done: number } & ReturnType<typeof service.sample> & Awaited<ReturnType<typeof service.scriptMemory>>)[]} */
const samples = [];
let done = 0;
let audioSeconds = 0;
let requests = 0;

const count = (/** @type {Record<string, number>} */ table, /** @type {string} */ name) =>
  (table[name] = (table[name] ?? 0) + 1);

/** One lane's calls: what it enrols it verifies against, and erases in the end. @param {number} lane */
function laneOf(lane) {
  const speakers = Array.from({ length: SPEAKERS }, (_, i) => ({ id: `lane-${lane}-${i}`, recordings: 0 }));

  const create = async (/** @type {{ id: string }} */ { id }) => {
    const { status } = await call('POST', '/v1/speakers', json({ id }));
    if (status !== 201) throw new Error(`a speaker could not be made: ${status}`);
  };

  /** Erased for good and made again when there is much of it. @param {{ id: string, recordings: number }} speaker */
  const renew = async (speaker) => {
    const { status } = await call('DELETE', `/v1/speakers/${speaker.id}`);
    if (status !== 200) throw new Error(`a speaker could not be erased: ${status}`);
    count(counts, 'erase');
    speaker.recordings = 0;
    await create(speaker);
  };

  const one = async () => {
    const draw = random();
    const speaker = oneOf(speakers);
    const many = draw < 0.1 ? 3 : 1;
    const chosen = Array.from({ length: many }, () => oneOf(clips));
    const fault = random() < 0.08 ? oneOf(/** @type {(keyof typeof FAULTS)[]} */ (Object.keys(FAULTS))) : undefined;
    const bytes = chosen.map((clip, i) => (fault && i === 0 ? FAULTS[fault].make(clip.bytes) : clip.bytes));
    const field = (/** @type {Buffer[]} */ list) => formBody(list.map((each) => ['audio', each, 'clip']));
    const leaves = random() < 0.02;
    /** @type {[name: string, path: string, form: ReturnType<typeof formBody>]} */
    const [name, path, form] =
      draw < 0.35
        ? ['embed', '/v1/embeddings', field(bytes)]
        : draw < 0.5
          ? ['enrol', `/v1/speakers/${speaker.id}/enrollments`, field(bytes.map(unheard))]
          : draw < 0.8
            ? ['verify', `/v1/speakers/${speaker.id}/verify`, field(bytes)]
            : ['identify', '/v1/identify', field(bytes)];
    const cut = leaves ? Math.floor(random() * form.body.length) : undefined;
    const { status, body } = await call('POST', path, form, cut);
    requests++;
    done += many;
    count(counts, leaves ? 'client went away' : fault ? `${name}, ${fault}` : name);
    for (const { format, seconds: length } of leaves ? [] : chosen) {
      audioSeconds += length;
      count(counts, `format ${format}`);
    }
    if (leaves) return;
    const code = body?.code ?? body?.results?.[0]?.error?.code ?? body?.decision ?? 'ok';
    count(answers, `${name} ${status} ${code}`);
    const short = chosen.some(({ seconds: length }) => length < 2);
    const allowed = fault ? FAULTS[fault].statuses : short ? [200, 201, 422] : [200, 201];
    // Several recordings are answered one by one; of whoever is not enrolled none is looked at.
    const fits = allowed.includes(status) || (status === 200 && (many > 1 || code === 'NOT_ENROLLED'));
    if (!fits) unexpected.push(`${name}${fault ? `, ${fault}` : ''}: ${status} ${JSON.stringify(body).slice(0, 300)}`);
    if (name === 'enrol' && status === 201 && ++speaker.recordings >= MOST_RECORDINGS) await renew(speaker);
  };
  return { start: () => Promise.all(speakers.map(create)), one };
}

try {
  const started = performance.now();
  const late = () => seconds > 0 && performance.now() - started > 1000 * seconds;
  const all = Array.from({ length: lanes }, (_, lane) => laneOf(lane));
  for (const lane of all) await lane.start();
  let next = 0;
  const sample = async () => {
    if (done < next) return;
    next = done + SAMPLE_EVERY;
    samples.push({ done, ...service.sample(), ...(await service.scriptMemory()) });
    if (samples.length % 20 !== 0) return;
    const { residentMb, descriptors, databaseMb } = /** @type {(typeof samples)[number]} */ (samples.at(-1));
    const rate = (1000 * done) / (performance.now() - started);
    process.stderr.write(
      `${done} utterances, ${rate.toFixed(0)}/s, ${residentMb.toFixed(0)} MB, ${descriptors} descriptors, ` +
        `${databaseMb.toFixed(1)} MB of database, ${unexpected.length} unexpected\n`,
    );
  };
  const work = async (/** @type {ReturnType<typeof laneOf>} */ lane) => {
    while (done < utterances && !late() && service.ended() === undefined) {
      await lane.one();
      await sample();
    }
  };
  await Promise.all(all.map(work));
  const took = (performance.now() - started) / 1000;
  agent.destroy();
  // Requests whose clients went away may still be under way.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const first = /** @type {(typeof samples)[number]} */ (samples[0]);
  const last = service.sample();
  const left = service.temporary();
  const kinds = service.descriptors();
  const ended = await service.stop();
  const errors = service.errors();

  const mean = (/** @type {number} */ from, /** @type {number} */ to) => {
    const some = samples.filter((each) => each.done >= from && each.done <= to);
    return some.reduce((sum, { residentMb }) => sum + residentMb, 0) / some.length;
  };
  const whole = done >= WARM + 2 * WINDOW;
  const warm = mean(WARM, WARM + WINDOW);
  const late5000 = mean(done - WINDOW, Infinity);
  const growth = late5000 / warm - 1;
  const peak = Math.max(...samples.map(({ residentMb }) => residentMb));
  const clean = ended === 'status 0' || ended === 'SIGTERM';
  const table = (/** @type {Record<string, number>} */ of) =>
    Object.entries(of)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, n]) => `| ${name} | ${n} |`)
      .join('\n');
  const marks = samples.filter((each, i) => i % Math.ceil(samples.length / 21) === 0 || i === samples.length - 1);
  const svg = values.out?.replace(/\.md$/, '.svg');
  const report = `# The service over ${done.toLocaleString('en-GB')} utterances

\`node bench/reliability/soak.mjs --utterances ${utterances}\`

${machine}
- the real service (\`timbre serve\`, the starter model) in a process of its own; ${lanes} requests at a time
- ${CLIPS} clips of synthetic speech, ${SHORTEST} to ${LONGEST} s, ${(clips.reduce((sum, clip) => sum + clip.seconds, 0) / CLIPS).toFixed(1)} s on average, in ${Object.keys(FORMATS).length} formats, sent at random; 8 % of the requests with a fault, 2 % whose client goes away in mid-upload

${done} utterances in ${requests} requests, ${(audioSeconds / 3600).toFixed(1)} h of audio, in ${took.toFixed(0)} s (${(done / took).toFixed(0)}/s).

| | |
| --- | --- |
| resident memory, mean over utterances ${WARM} to ${WARM + WINDOW} | ${whole ? `${warm.toFixed(1)} MB` : 'not reached'} |
| resident memory, mean over the last ${WINDOW} | ${late5000.toFixed(1)} MB |
| **growth after the first ${WARM}** | **${whole ? `${(100 * growth).toFixed(2)} %` : 'the run was too short to say'}** |
| highest sample | ${peak.toFixed(1)} MB |
| descriptors at the first sample, at most, and 3 s after the last answer | ${first.descriptors}, ${Math.max(...samples.map(({ descriptors }) => descriptors))}, ${last.descriptors} (${Object.entries(
    kinds,
  )
    .map(([kind, n]) => `${n} ${kind}`)
    .join(', ')}) |
| threads at the first sample and at the end | ${first.threads}, ${last.threads} |
| temporary files at the end | ${left.length}${left.map((path) => ` \`${relative(folder, path)}\``).join('')} |
| database folder at the first sample and at the end | ${first.databaseMb.toFixed(1)} MB, ${last.databaseMb.toFixed(1)} MB |
| unexpected answers | ${unexpected.length} |
| errors in the service's log | ${errors.length} |
| stopped with | ${ended} |

${svg ? `![Resident memory](${basename(svg)})\n` : ''}
Descriptors come and go with connections and uploads under way. The database grows by the audit trail, which keeps an
entry of every enrolment, verification, identification and erasure; what is erased gives its pages back to new rows.

| utterances | resident MB | of it JavaScript's heap | and buffers | descriptors | temporary files | database MB |
| --- | --- | --- | --- | --- | --- | --- |
${marks.map((each) => `| ${each.done} | ${each.residentMb.toFixed(1)} | ${each.heapMb.toFixed(1)} | ${each.buffersMb.toFixed(1)} | ${each.descriptors} | ${each.temporaryFiles} | ${each.databaseMb.toFixed(1)} |`).join('\n')}

| requests, and recordings by format | |
| --- | --- |
${table(counts)}

| call, status, code or decision | |
| --- | --- |
${table(answers)}
${
  unexpected.length > 0
    ? `\n## Unexpected\n\n${unexpected
        .slice(0, 20)
        .map((line) => `- ${line}`)
        .join('\n')}\n`
    : ''
}${errors.length > 0 ? `\n## The log\n\n${errors.slice(0, 20).join('\n')}\n` : ''}`;
  if (values.out !== undefined && svg) {
    writeFileSync(values.out, report);
    const points = samples.map((each) => /** @type {[number, number]} */ ([each.done, each.residentMb]));
    writeFileSync(svg, linePlot({ title: 'Resident memory of the service', axisX: 'utterances', axisY: 'MB', points }));
  }
  process.stdout.write(report);
  const grown = whole && growth >= MOST_GROWTH;
  const kept = left.length > 0 || last.descriptors > first.descriptors + lanes;
  if (grown || kept || unexpected.length > 0 || errors.length > 0 || !clean) process.exitCode = 1;
} finally {
  agent.destroy();
  if (service.ended() === undefined) await service.stop();
  rmSync(folder, { recursive: true, force: true });
}
