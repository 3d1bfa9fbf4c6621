// Whose voice is it? Enrols every speaker of a folder of folders with their first recordings over HTTP, and identifies
// the rest: among everybody, and among everybody else, where the right answer is nobody.
//
//   npm run build && node bench/js/identify-libri.mjs [../shared/speech/libri] [--model ID or FILE] [--enrol 3] [--out FILE]
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startService } from '../../dist/service/app/service.js';
import { createLog } from '../../dist/service/http/logging.js';
import { Config } from '../../dist/service/config/config.js';
import { describeMachine, quantile, ROOT } from './machine.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'starter' },
    enrol: { type: 'string', default: '3' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'identify-libri.md') },
  },
});
const root = resolve(positionals[0] ?? join(ROOT, '..', 'shared', 'speech', 'libri'));
const enrol = Number(values.enrol);
const folder = mkdtempSync(join(tmpdir(), 'timbre-identify-'));
const config = Config.of(
  {
    port: 0,
    sidecarPort: 'off',
    model: values.model,
    dataDir: join(folder, 'data'),
    // The speakers have few recordings; what counts here is how many, not how long they are.
    enrollmentSeconds: 1,
    logLevel: 'warn',
    consent: 'optional',
  },
  process.env,
);
const service = await startService(config, createLog(config.logLevel, process.stderr));
const key = service.grant('bench');

/**
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<any>}
 */
async function call(path, init) {
  const response = await fetch(service.url + path, { ...init, headers: { ...init.headers, 'x-api-key': key } });
  const body = await response.json();
  if (!response.ok) throw new Error(`${path}: ${body.code}: ${body.message}`);
  return body;
}

/**
 * @param {readonly string[]} files
 * @param {Record<string, string>} [fields]
 */
function form(files, fields = {}) {
  const body = new FormData();
  for (const file of files) body.append('audio', new Blob([readFileSync(file)]), basename(file));
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return { method: 'POST', body };
}

try {
  await service.ready();
  const speakers = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({
      name,
      files: readdirSync(join(root, name))
        .sort()
        .map((file) => join(root, name, file)),
    }))
    .filter(({ files }) => files.length > enrol);
  for (const { name, files } of speakers) {
    await call('/v1/speakers', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: name }),
    });
    const { speaker, results } = await call(`/v1/speakers/${name}/enrollments`, form(files.slice(0, enrol)));
    const outliers = results.filter((result) => result.enrollment?.outlier || !result.enrollment?.accepted).length;
    const speech = speaker.enrollmentsSpeechLengthInSec.toFixed(1);
    console.error(`${name}: ${speech} s of speech, confidence ${speaker.confidence.toFixed(2)}, ${outliers} set aside`);
  }

  let [asked, first, accepted, ambiguous, others, falseAccepts] = [0, 0, 0, 0, 0, 0];
  let promised = 'none: the calibration has no impostor tail';
  const margins = [];
  const milliseconds = [];
  let model = '';
  for (const { name, files } of speakers) {
    const everybodyElse = speakers.map((speaker) => speaker.name).filter((other) => other !== name);
    for (const file of files.slice(enrol)) {
      const started = performance.now();
      const found = await call('/v1/identify', form([file]));
      milliseconds.push(performance.now() - started);
      asked++;
      model = found.model;
      if (found.ranking[0]?.speakerId === name) {
        first++;
        margins.push(found.margin);
        if (found.decision === 'ACCEPT') accepted++;
        if (found.decision === 'AMBIGUOUS') ambiguous++;
      }
      const nobody = await call('/v1/identify', form([file], { candidates: everybodyElse.join(',') }));
      others++;
      if (nobody.decision === 'ACCEPT') falseAccepts++;
      if (nobody.falseAcceptRate !== null) {
        promised = `${nobody.falseAcceptRate}, of ${nobody.gallerySize} people${nobody.extrapolated ? ', extrapolated' : ''}`;
      }
    }
  }
  const share = (count, of) => `${((100 * count) / of).toFixed(1)} % (${count} of ${of})`;
  const report = `# Identification of ${speakers.length} speakers

\`node bench/js/identify-libri.mjs\`: ${speakers.length} speakers of LibriSpeech test-other, ${enrol} recordings each enrolled over HTTP, the rest identified.

| | |
| --- | --- |
| model | ${model} |
| promised share of strangers accepted, of requests | ${promised} |
| right speaker first | ${share(first, asked)} |
| right speaker first and accepted | ${share(accepted, asked)} |
| right speaker first, and another too close | ${share(ambiguous, asked)} |
| speaker not among the candidates, somebody accepted | ${share(falseAccepts, others)} |
| margin to the second speaker, median cosine | ${quantile(margins, 0.5).toFixed(3)} |
| answer, median and 99 % | ${quantile(milliseconds, 0.5).toFixed(0)} ms, ${quantile(milliseconds, 0.99).toFixed(0)} ms |

${describeMachine()}
`;
  console.log(report);
  writeFileSync(values.out, report);
} finally {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
}
