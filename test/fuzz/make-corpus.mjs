#!/usr/bin/env node
// Makes the seeds of the fuzzers again: corpus/decode by espeak-ng and ffmpeg, corpus/bundle by PyTorch.
//
//   node test/fuzz/make-corpus.mjs
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const PYTHON = join(HERE, '..', '..', '.venv', 'bin', 'python');
const SECONDS = 0.2;

/** Format by name, and ffmpeg's words for it. */
const RECORDINGS = {
  'pcm8.wav': '-c:a pcm_u8 -ar 8000',
  'pcm16.wav': '-ar 16000',
  'pcm16-tagged.wav': '-ar 8000 -metadata title=one -metadata comment=two',
  'pcm24-stereo.wav': '-c:a pcm_s24le -ar 8000 -ac 2',
  'pcm32.wav': '-c:a pcm_s32le -ar 8000',
  'float.wav': '-c:a pcm_f32le -ar 16000',
  'double.wav': '-c:a pcm_f64le -ar 8000',
  'mulaw.wav': '-c:a pcm_mulaw -ar 8000',
  'alaw.wav': '-c:a pcm_alaw -ar 8000',
  'adpcm-ima.wav': '-c:a adpcm_ima_wav -ar 16000',
  'adpcm-ms.wav': '-c:a adpcm_ms -ar 16000 -ac 2',
  'gsm.wav': '-c:a libgsm_ms -ar 8000 -ac 1',
  'rf64.wav': '-rf64 always -ar 8000',
  'w64.w64': '-ar 8000',
  'aiff.aiff': '-ar 16000',
  'aifc.aifc': '-c:a pcm_mulaw -ar 8000 -f aiff',
  'au.au': '-c:a pcm_s16be -ar 8000',
  'au-mulaw.au': '-c:a pcm_mulaw -ar 8000',
  'caf.caf': '-c:a pcm_s16be -ar 8000',
  'caf-alac.caf': '-c:a alac -ar 16000',
  'flac.flac': '-ar 16000 -compression_level 8',
  'flac-stereo.flac': '-ar 44100 -ac 2 -t 0.05',
  'flac-24.flac': '-ar 8000 -sample_fmt s32 -bits_per_raw_sample 24',
  'vorbis.ogg': '-c:a libvorbis -ar 16000 -q:a 0',
  'vorbis-stereo.ogg': '-c:a libvorbis -ar 44100 -ac 2 -q:a 0 -t 0.05',
  'opus.opus': '-c:a libopus -b:a 12k',
  'opus-stereo.ogg': '-c:a libopus -b:a 24k -ac 2 -f ogg',
  'layer2.mp2': '-c:a mp2 -b:a 32k -ar 16000 -f mp2',
  'layer3.mp3': '-c:a libmp3lame -b:a 32k -ar 16000',
  'layer3-stereo.mp3': '-c:a libmp3lame -q:a 9 -ar 44100 -ac 2 -id3v2_version 4 -metadata title=one',
  'layer3-bare.mp3': '-c:a libmp3lame -b:a 24k -ar 8000 -write_xing 0 -id3v2_version 0',
  // Only ffmpeg reads these: here they stop at the door.
  'm4a.m4a': '-c:a aac -b:a 24k -ar 16000 -t 0.05',
  'webm.webm': '-c:a libopus -b:a 12k -t 0.05',
  'aac.aac': '-c:a aac -b:a 24k -ar 16000 -t 0.05',
};

const folder = mkdtempSync(join(tmpdir(), 'timbre-corpus-'));
try {
  const decode = fresh('decode');
  const speech = join(folder, 'speech.wav');
  execFileSync('espeak-ng', ['-w', speech, 'a way']);
  for (const [name, words] of Object.entries(RECORDINGS)) {
    // A limit of its own stands behind the common one, and so wins.
    const encode = ['-t', String(SECONDS), '-bitexact', '-map_metadata', '-1', ...words.split(' ')];
    execFileSync('ffmpeg', [
      '-v',
      'error',
      '-nostdin',
      '-y',
      '-ss',
      '0.1',
      '-i',
      speech,
      ...encode,
      join(decode, name),
    ]);
  }
  const wav = readFileSync(join(decode, 'pcm8.wav'));
  const damaged = (/** @type {number} */ at, /** @type {number[]} */ bytes) => {
    const copy = Buffer.from(wav);
    copy.set(bytes, at);
    return copy;
  };
  writeFileSync(join(decode, 'declares-4-gigabytes.wav'), damaged(40, [0xf0, 0xff, 0xff, 0x7e]));
  writeFileSync(join(decode, 'streamed.wav'), damaged(40, [0xff, 0xff, 0xff, 0xff]));
  writeFileSync(join(decode, 'thousand-channels.wav'), damaged(22, [0xe8, 0x03]));
  writeFileSync(join(decode, 'rate-zero.wav'), damaged(24, [0, 0, 0, 0]));
  writeFileSync(join(decode, 'cut.wav'), wav.subarray(0, 60));
  writeFileSync(join(decode, 'empty.wav'), wav.subarray(0, 44));
  writeFileSync(join(decode, 'words.txt'), 'no recording\n');
  writeFileSync(join(decode, 'tags.mp3'), Buffer.from('ID3\x04\0\0\0\0\0\x02..ID3\x04\0\x10\0\0\0\0', 'latin1'));

  const bundle = fresh('bundle');
  execFileSync(PYTHON, [join(HERE, 'make_bundles.py'), bundle], { stdio: 'inherit' });

  for (const target of ['decode', 'bundle']) {
    const files = readdirSync(join(HERE, 'corpus', target)).map((name) => join(HERE, 'corpus', target, name));
    const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
    process.stdout.write(`${target}: ${files.length} files, ${(bytes / 1024).toFixed(0)} KiB\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @param {string} target */
function fresh(target) {
  const path = join(HERE, 'corpus', target);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
}
