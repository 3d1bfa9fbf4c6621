// The rules of the native house: which room may include what. Those of src/ are in .dependency-cruiser.mjs.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow } from '../setup/stamps.mjs';

/** Third-party headers, and the rooms that alone may include them. */
const HEADERS = [
  { header: /^(napi|node_api|js_native_api)[\w-]*\.h$|^node\//, what: 'Node-API', rooms: ['binding'] },
  {
    header: /^(torch|ATen|c10|caffe2)\//,
    what: 'LibTorch',
    rooms: ['checkpoint', 'bundle', 'network'],
  },
  { header: /^nlohmann\//, what: 'nlohmann-json', rooms: ['checkpoint', 'bundle'] },
  { header: /^hwy\//, what: 'Highway', rooms: ['simd'] },
  { header: /^(seccomp\.h$|linux\/(landlock|seccomp|filter)\.h$)/, what: 'walls', rooms: ['contain'] },
  { header: /^zlib\.h$/, what: 'zlib', rooms: ['archive'] },
  { header: /^xxhash\.h$/, what: 'xxHash', rooms: ['bundle'] },
  {
    header: /^(sndfile\.hh?|soxr\.h|mpg123\.h|opus\w*\.h|FLAC\/.*|ogg\/.*|vorbis\/.*)$/,
    what: 'libsndfile, libmpg123, libFLAC, libogg, libopus, libvorbis and soxr',
    rooms: ['audio'],
  },
  {
    header: /^(kaldi-native-fbank\/|kissfft\/|kiss_fftr?\.h$|Eigen\/)/,
    what: 'kaldi-native-fbank',
    rooms: ['features'],
  },
];

/** Native rooms, and those whose headers each may include beside its own. */
const NATIVE = {
  support: [],
  contain: ['support'],
  audio: ['support', 'contain'],
  isolation: ['support', 'contain', 'audio'],
  simd: ['support'],
  speech: ['support', 'simd', 'audio', 'features'],
  features: ['support', 'simd'],
  scoring: ['support', 'simd'],
  archive: ['support'],
  network: ['support', 'simd'],
  conversation: ['support', 'simd'],
  bundle: ['support', 'archive', 'speech', 'features', 'network', 'conversation'],
  checkpoint: ['support', 'archive', 'bundle', 'network', 'conversation'],
  engine: ['support', 'audio', 'isolation', 'speech', 'features', 'bundle', 'conversation'],
  // What it converts: the engine, bundles, the facts about libraries.
  binding: ['support', 'contain', 'audio', 'isolation', 'speech', 'bundle', 'checkpoint', 'engine', 'scoring'],
};

/**
 * Everything that breaks the rules, a line each: "path:line: what is wrong".
 * @param {string} root
 * @returns {string[]}
 */
export function violations(root) {
  const found = [];
  /** Where each class is defined. Two of one name are undefined behaviour once both are linked, whatever the room. */
  const classes = new Map();
  const folder = path.join(root, 'native');
  for (const file of existsSync(folder) ? filesBelow(folder, (name) => /\.(h|hpp|cpp|cc|inc)$/.test(name)) : []) {
    const [first = '', second = ''] = path.relative(folder, file).split(path.sep);
    const room = first === 'core' ? second : first;
    const allowed = NATIVE[/** @type {keyof typeof NATIVE} */ (room)];
    if (!allowed) {
      found.push(`${path.relative(root, file)}: the room "${room}" is not in scripts/lint/rooms.mjs`);
      continue;
    }
    for (const { text, line } of matches(
      file,
      /^(?:class|struct|enum class|enum) (\w+)(?: final)?(?: : [^;{]*)? ?\{/gm,
    )) {
      const at = `${path.relative(root, file)}:${line}`;
      if (classes.has(text)) found.push(`${at}: there is a ${text} already, at ${classes.get(text)}`);
      else classes.set(text, at);
    }
    for (const { text, line } of matches(file, /^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/gm)) {
      const at = `${path.relative(root, file)}:${line}: `;
      const rule = HEADERS.find(({ header }) => header.test(text));
      if (rule && !rule.rooms.includes(room)) {
        found.push(`${at}<${text}>: ${rule.what} may be included in ${rule.rooms.join(', ')} only`);
      }
      const other = text.includes('/') ? (text.split('/')[0] ?? '') : room;
      if (other in NATIVE && other !== room && !allowed.includes(/** @type {never} */ (other))) {
        found.push(`${at}"${text}": ${room} may not include ${other}`);
      }
    }
  }
  return found;
}

/**
 * @param {string} file
 * @param {RegExp} pattern global, its first group that took part is the text
 */
function matches(file, pattern) {
  const content = readFileSync(file, 'utf8');
  return [...content.matchAll(pattern)].map((match) => ({
    text: match.slice(1).find((group) => group !== undefined) ?? '',
    line: content.slice(0, match.index).split('\n').length,
  }));
}
