#!/usr/bin/env node
// Builds the libFuzzer targets and runs them: AddressSanitizer, UBSan and leak checks, any bytes as recordings and as
// model files. What raises coverage is kept in .cache/fuzz/<target>/corpus, minimised; what is found in
// .cache/fuzz/<target>/findings.
//
//   node test/fuzz/run.mjs [--executions 1000000] [--target decode] [--seconds S] [--seed 1] [--out bench/results/fuzz.md]
//
// Put a finding into test/fuzz/findings/<target>/ when it is mended: every test run replays it from there.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUILD = join(ROOT, 'build-fuzz');

/** What each target reads; inputs longer than `longest` bytes teach nothing new. */
const TARGETS = {
  decode: {
    longest: 16_384,
    what: 'bytes as a recording: decode, mix down, resample, measure speech, features of the starter and of SpeechBrain',
  },
  bundle: {
    longest: 8192,
    what: 'bytes as a model file: zip archive, pickle, checkpoint, safetensors, families, manifest, front end',
  },
};

/** Executions of one process: leaks are looked for at its end, and what third parties leak is given back. */
const ROUND = 50_000;

/** An execution that takes longer, or asks for more at once, is a finding. */
const LIMITS = ['-timeout=10', '-rss_limit_mb=2048', '-malloc_limit_mb=256'];

const { values } = parseArgs({
  options: {
    executions: { type: 'string', default: '1000000' },
    target: { type: 'string', multiple: true, default: Object.keys(TARGETS) },
    seconds: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});
const [executions, seconds, seed] = [values.executions, values.seconds, values.seed].map(Number);

build();
const rows = [];
for (const name of values.target) {
  if (!(name in TARGETS))
    throw new Error(`there is no target "${name}"; there are: ${Object.keys(TARGETS).join(', ')}`);
  rows.push(await fuzz(/** @type {keyof typeof TARGETS} */ (name)));
}
const report = reportOf(rows);
process.stdout.write(report);
if (values.out !== undefined) writeFileSync(values.out, report);
if (rows.some(({ findings }) => findings.length > 0)) process.exitCode = 1;

function build() {
  const probe = ['-fsanitize=fuzzer,address,undefined', '-x', 'c++', '-', '-o', '/dev/null'];
  const input = 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }';
  if (spawnSync('clang++', probe, { input }).status !== 0) {
    process.stderr.write(
      'libFuzzer and the sanitizers come with clang, and clang++ does not link them here: ' +
        'apt-get install clang libclang-rt-14-dev (the version of clang), then again\n',
    );
    process.exit(1);
  }
  const compilers = ['-DCMAKE_C_COMPILER=clang', '-DCMAKE_CXX_COMPILER=clang++'];
  const fresh = existsSync(join(BUILD, 'CMakeCache.txt')) ? [] : ['-G', 'Ninja', ...compilers];
  const words = ['-S', ROOT, '-B', BUILD, ...fresh, '-DTIMBRE_BUILD_FUZZ=ON', '-DTIMBRE_WITH_TORCH=OFF'];
  execFileSync('cmake', words, { stdio: ['ignore', 2, 2] });
  execFileSync('cmake', ['--build', BUILD, '--parallel', '2'], { stdio: ['ignore', 2, 2] });
}

/**
 * Runs a target in rounds until it has executed often enough.
 * @param {keyof typeof TARGETS} name
 */
async function fuzz(name) {
  const { longest } = TARGETS[name];
  const work = join(ROOT, '.cache', 'fuzz', name);
  const [corpus, found] = [join(work, 'corpus'), join(work, 'findings')];
  for (const folder of [corpus, found]) mkdirSync(folder, { recursive: true });
  const seeds = ['corpus', 'findings']
    .map((kind) => join(ROOT, 'test', 'fuzz', kind, name))
    .filter((path) => existsSync(path));
  const before = new Set(readdirSync(found));
  const common = [`-max_len=${longest}`, `-dict=${join(ROOT, 'test', 'fuzz', `${name}.dict`)}`, ...LIMITS];
  const started = performance.now();
  let [done, coverage, features, counters, peakMb] = [0, 0, 0, 0, 0];
  for (let round = 0; done < executions; round++) {
    const left = seconds > 0 ? seconds - (performance.now() - started) / 1000 : Infinity;
    if (left <= 0) break;
    const said = await run(join(BUILD, 'test', 'fuzz', `fuzz_${name}`), [
      ...common,
      `-runs=${Math.min(ROUND, executions - done)}`,
      `-seed=${seed + round}`,
      ...(Number.isFinite(left) ? [`-max_total_time=${Math.ceil(left)}`] : []),
      `-artifact_prefix=${found}/`,
      '-print_final_stats=1',
      corpus,
      ...seeds,
    ]);
    const last =
      said.text
        .match(/cov: (\d+) ft: (\d+)/g)
        ?.at(-1)
        ?.match(/\d+/g) ?? [];
    // After a finding there are no statistics: the last line tells how far it was.
    const counted = numberIn(said.text, /number_of_executed_units: (\d+)/) ?? lastCount(said.text);
    done += counted;
    coverage = Math.max(coverage, Number(last[0] ?? 0));
    features = Math.max(features, Number(last[1] ?? 0));
    counters = numberIn(said.text, /\((\d+) inline 8-bit counters\)/) ?? counters;
    peakMb = Math.max(peakMb, numberIn(said.text, /peak_rss_mb:\s+(\d+)/) ?? 0);
    const rate = (1000 * done) / (performance.now() - started);
    process.stderr.write(`${name}: ${done} executions, ${rate.toFixed(0)}/s, cov ${coverage}\n`);
    if (said.status !== 0) {
      process.stderr.write(`${said.text.slice(-6000)}\n`);
      if (counted === 0) throw new Error(`${name} ended with ${said.status} before it executed anything`);
    }
  }
  const took = (performance.now() - started) / 1000;
  minimise(name, work, corpus, seeds, common);
  const findings = readdirSync(found).filter((file) => !before.has(file));
  return { name, done, took, coverage, features, counters, peakMb, findings, corpus: sizeOf(corpus) };
}

/**
 * Keeps the fewest and smallest inputs that reach what all reach.
 * @param {string} name
 * @param {string} work
 * @param {string} corpus
 * @param {string[]} seeds
 * @param {string[]} common
 */
function minimise(name, work, corpus, seeds, common) {
  const fewer = join(work, 'merged');
  rmSync(fewer, { recursive: true, force: true });
  mkdirSync(fewer);
  const words = ['-merge=1', ...common, `-artifact_prefix=${work}/`, fewer, ...seeds, corpus];
  const merged = spawnSync(join(BUILD, 'test', 'fuzz', `fuzz_${name}`), words, { stdio: 'ignore' });
  if (merged.status !== 0 || readdirSync(fewer).length === 0) {
    rmSync(fewer, { recursive: true, force: true });
    return;
  }
  rmSync(corpus, { recursive: true, force: true });
  renameSync(fewer, corpus);
}

/**
 * @param {string} program
 * @param {string[]} words
 * @returns {Promise<{ status: number | string, text: string }>}
 */
function run(program, words) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=1:strict_string_checks=1:quarantine_size_mb=32' },
    });
    let text = '';
    child.stderr.on('data', (chunk) => (text += String(chunk)));
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status: signal ?? status ?? 1, text }));
  });
}

/** @param {string} text @param {RegExp} pattern */
function numberIn(text, pattern) {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The number of the last line of progress. @param {string} text */
function lastCount(text) {
  return Number([...text.matchAll(/^#(\d+)\s/gm)].at(-1)?.[1] ?? 0);
}

/** @param {string} folder */
function sizeOf(folder) {
  const files = readdirSync(folder);
  const bytes = files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  return `${files.length} inputs, ${(bytes / 1024).toFixed(0)} KiB`;
}

/** @param {Awaited<ReturnType<typeof fuzz>>[]} all */
function reportOf(all) {
  const git = (/** @type {string[]} */ ...words) => execFileSync('git', words, { cwd: ROOT, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'native', 'test/fuzz') === '' ? '' : ', with changes';
  const compiler = execFileSync('clang++', ['--version'], { encoding: 'utf8' }).split('\n')[0];
  const kinds = (/** @type {string[]} */ findings, /** @type {string} */ kind) =>
    findings.filter((file) => file.startsWith(`${kind}-`)).length;
  const columns = all.map(
    ({ name, done, took, coverage, features, counters, peakMb, findings, corpus }) =>
      `| ${name} | ${done} | ${took.toFixed(0)} s (${(done / took).toFixed(0)}/s) | ${coverage} of ${counters} (${((100 * coverage) / counters).toFixed(0)} %) | ${features} | ${kinds(findings, 'crash')} | ${kinds(findings, 'leak')} | ${kinds(findings, 'timeout') + kinds(findings, 'slow-unit')} | ${kinds(findings, 'oom')} | ${peakMb} MB | ${corpus} |`,
  );
  return `# Fuzzing of what reads files

\`node test/fuzz/run.mjs --executions ${executions} --seed ${seed}\`

- ${compiler}: libFuzzer, AddressSanitizer, UBSan, leak check after every ${ROUND} executions; one process
- machine: ${cpus()[0]?.model ?? 'unknown'}; load average at the end: ${loadavg()[0]?.toFixed(1)}
- commit ${git('rev-parse', '--short', 'HEAD')}${changed}, ${new Date().toISOString().slice(0, 10)}

${all.map(({ name }) => `- **${name}**: ${TARGETS[name].what}`).join('\n')}

| target | executions | time | edges reached | features | crashes | leaks | over 10 s | over 2 GB, or 256 MB at once | peak memory | corpus |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${columns.join('\n')}

Edges are those of the project's own code and of what is compiled into it (kaldi-native-fbank, nlohmann-json), also parts
that no file can reach. The system's libsndfile, libmpg123, libvorbis, libopus, libFLAC and soxr run as they are
installed: the sanitizers see what they do with memory from the heap, not every access of theirs, and their edges do not
guide the fuzzer; a dictionary and repaired Ogg checksums do. libsndfile 1.2 itself forgets a few kilobytes whenever it
refuses a damaged Vorbis header; that leak is suppressed by name in \`decode_fuzz.cpp\`.
`;
}
