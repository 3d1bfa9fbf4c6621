// The rules of the house: which room may include or import what.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow } from '../setup/stamps.mjs';

/** Third-party headers, and the rooms that alone may include them. */
const HEADERS = [
  { header: /^(napi|node_api|js_native_api)[\w-]*\.h$|^node\//, what: 'Node-API', rooms: ['binding'] },
  { header: /^(torch|ATen|c10|caffe2)\//, what: 'LibTorch', rooms: ['checkpoint', 'bundle', 'network', 'conversation'] },
  { header: /^nlohmann\//, what: 'nlohmann-json', rooms: ['checkpoint', 'bundle'] },
  { header: /^xxhash\.h$/, what: 'xxHash', rooms: ['bundle'] },
  { header: /^(sndfile\.hh?|soxr\.h|mpg123\.h)$/, what: 'libsndfile, libmpg123 and soxr', rooms: ['audio'] },
  { header: /^(kaldi-native-fbank\/|kissfft\/|kiss_fftr?\.h$|Eigen\/)/, what: 'kaldi-native-fbank', rooms: ['features'] },
];

/** Native rooms, and those whose headers each may include beside its own. */
const NATIVE = {
  support: [],
  audio: ['support'],
  speech: ['support', 'audio', 'features'],
  features: ['support'],
  scoring: ['support'],
  simd: ['support'],
  archive: ['support'],
  network: ['support', 'simd'],
  bundle: ['support', 'archive', 'features', 'network'],
  checkpoint: ['support', 'archive', 'bundle', 'network'],
  engine: ['support', 'audio', 'speech', 'features', 'bundle'],
  // What it converts: the engine, bundles, the facts about libraries.
  binding: ['support', 'audio', 'speech', 'bundle', 'checkpoint', 'engine', 'scoring'],
};

/** npm packages, and the rooms of src/ that alone may import them. */
const PACKAGES = [
  { name: /^(typeorm|sqlite3)$/, rooms: ['persistence'] },
  { name: /^(commander|cli-progress)$/, rooms: ['cli'] },
  { name: /^prom-client$/, rooms: ['metrics'] },
];

/** Rooms of src/ that work without a service. */
const LIBRARY = ['addon', 'cli', 'errors', 'evaluation', 'models', 'scoring', 'support'];
/** What only src/service may import. */
const FRAMEWORK = /^(@nestjs\/|reflect-metadata$|rxjs($|\/))/;
const SHARED = ['errors', 'support', 'http', 'config'];
/** Parts of the addon that have nothing to do with an engine. */
const FREE_OF_ENGINES = /\/addon\/(gallery|cosine)\.js$/;

/** Entries that must load neither a framework nor a database: a service's users pay for those, nobody else. */
const LIGHT_ENTRIES = ['src/addon/index.ts', 'src/cli/main.ts'];
const HEAVY = /^(@nestjs\/|@fastify\/|fastify$|typeorm$|sqlite3$|rxjs$)/;

/**
 * Everything that breaks the rules, a line each: "path:line: what is wrong".
 * @param {string} root
 * @returns {string[]}
 */
export function violations(root) {
  return [...nativeViolations(root), ...typescriptViolations(root), ...weightViolations(root)];
}

/** @param {string} root */
function nativeViolations(root) {
  const found = [];
  const folder = path.join(root, 'native');
  for (const file of existsSync(folder) ? filesBelow(folder, (name) => /\.(h|hpp|cpp|cc|inc)$/.test(name)) : []) {
    const [first = '', second = ''] = path.relative(folder, file).split(path.sep);
    const room = first === 'core' ? second : first;
    const allowed = NATIVE[/** @type {keyof typeof NATIVE} */ (room)];
    if (!allowed) {
      found.push(`${path.relative(root, file)}: the room "${room}" is not in scripts/lint/rooms.mjs`);
      continue;
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

/** @typedef {{ text: string, line: number, typeOnly: boolean }} Import */

/** @param {string} root */
function typescriptViolations(root) {
  const found = [];
  const source = path.join(root, 'src');
  for (const file of typescriptFiles(source)) {
    const room = roomOf(source, file);
    for (const { text, line, typeOnly } of imports(file)) {
      const at = `${path.relative(root, file)}:${line}: '${text}': `;
      const rule = PACKAGES.find(({ name }) => name.test(text));
      if (rule && !rule.rooms.includes(room)) found.push(`${at}may be imported in ${rule.rooms.join(', ')} only`);
      if (FRAMEWORK.test(text) && !typeOnly && !path.relative(source, file).startsWith(`service${path.sep}`)) {
        found.push(`${at}may be imported in service only`);
      }
      if (!text.startsWith('.')) continue;
      const other = roomOf(source, path.resolve(path.dirname(file), text));
      if (other === room) continue;
      const broken = direction(room, other, text, typeOnly);
      if (broken) found.push(`${at}${broken}`);
    }
  }
  return found;
}

/**
 * `addon <- engine <- features <- app`; persistence implements the features' ports, so features never import it.
 * @param {string} room
 * @param {string} other
 * @param {string} imported as it is written
 * @param {boolean} typeOnly
 * @returns {string | undefined} the rule that an import breaks
 */
function direction(room, other, imported, typeOnly) {
  // The entry for Nest applications lies in src/service itself.
  if (room === 'app' || room.endsWith('.ts')) return undefined;
  if (other === 'app') return room === 'cli' ? undefined : 'nothing imports app but the command line';
  if (other === 'cli') return 'nothing imports the command line';
  if (other === 'persistence')
    return `${room} may not import persistence; it declares a port that persistence implements`;
  if (SHARED.includes(room) && !SHARED.includes(other) && !typeOnly)
    return `${room} is imported everywhere and imports no other room`;
  if (LIBRARY.includes(room) && !LIBRARY.includes(other) && !SHARED.includes(other) && !typeOnly) {
    return `${room} works without the service and may not import ${other}`;
  }
  if (room === 'engine' && !LIBRARY.includes(other) && !SHARED.includes(other))
    return `engine may not import the feature ${other}`;
  if (
    other === 'addon' &&
    !typeOnly &&
    !FREE_OF_ENGINES.test(imported) &&
    !LIBRARY.includes(room) &&
    room !== 'engine'
  ) {
    return `${room} reaches the addon through engine only (types excepted)`;
  }
  return undefined;
}

/**
 * What the light entries load at run time, followed through every static import.
 * @param {string} root
 */
function weightViolations(root) {
  const found = [];
  for (const entry of LIGHT_ENTRIES) {
    const start = path.join(root, entry);
    if (!existsSync(start)) continue;
    /** @type {Map<string, string[]>} file to the way there */
    const reached = new Map([[start, [entry]]]);
    for (const [file, way] of reached) {
      for (const { text, line, typeOnly } of imports(file)) {
        if (typeOnly) continue;
        if (HEAVY.test(text)) {
          found.push(`${path.relative(root, file)}:${line}: '${text}' is loaded by ${entry} (${[...way].join(' > ')})`);
        }
        const target = path.resolve(path.dirname(file), text.replace(/\.js$/, '.ts'));
        if (text.startsWith('.') && !reached.has(target) && existsSync(target)) {
          reached.set(target, [...way, path.relative(root, target)]);
        }
      }
    }
  }
  return found;
}

/** @param {string} folder */
function typescriptFiles(folder) {
  return existsSync(folder) ? filesBelow(folder, (name) => name.endsWith('.ts') && !name.endsWith('.spec.ts')) : [];
}

/**
 * First folder of a file below `source`, or below `source/service`; of a file that lies there itself its own name.
 * @param {string} source
 * @param {string} file
 */
function roomOf(source, file) {
  const [first = '', second = ''] = path.relative(source, file).split(path.sep);
  return first === 'service' ? second : first;
}

/**
 * Static imports and re-exports of a TypeScript file.
 * @param {string} file
 * @returns {Import[]}
 */
function imports(file) {
  return matches(file, /^(?:import|export)\s[^'";]*?from\s+'([^']+)'|^import\s+'([^']+)'/gm).map(
    ({ text, line, whole }) => {
      // `import { type X }` loads its module nevertheless.
      return { text, line, typeOnly: /^(?:import|export)\s+type\s/.test(whole) };
    },
  );
}

/**
 * @param {string} file
 * @param {RegExp} pattern global, its first group that took part is the text
 */
function matches(file, pattern) {
  const content = readFileSync(file, 'utf8');
  return [...content.matchAll(pattern)].map((match) => ({
    text: match.slice(1).find((group) => group !== undefined) ?? '',
    whole: match[0],
    line: content.slice(0, match.index).split('\n').length,
  }));
}
