// Requests made from an OpenAPI document: right, nearly right and hostile; how they are sent, and what an answer may be.
import fc from 'fast-check';
import { Buffer } from 'node:buffer';
import { Agent, METHODS, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { clearInterval, setInterval, setTimeout } from 'node:timers';
import { gzipSync } from 'node:zlib';

/**
 * @typedef {object} Schema
 * @property {string} [type]
 * @property {string} [format]
 * @property {unknown} [example]
 * @property {unknown[]} [enum]
 * @property {Record<string, Schema>} [properties]
 * @property {string[]} [required]
 * @property {Schema} [items]
 * @property {number} [minItems]
 * @property {number} [minLength]
 * @property {number} [maxLength]
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {boolean} [nullable]
 * @property {Schema[]} [anyOf]
 * @property {Schema[]} [oneOf]
 *
 * @typedef {object} Operation
 * @property {string} operationId
 * @property {Record<string, unknown>} responses
 * @property {{ name: string, in: string, schema?: Schema }[]} [parameters]
 * @property {{ content: Record<string, { schema: Schema }> }} [requestBody]
 *
 * @typedef {{ paths: Record<string, Record<string, Operation>> }} Document
 * @typedef {{ method: string, path: string, operation: Operation }} Call
 *
 * What is there, so that calls get beyond "not found".
 * @typedef {object} Known
 * @property {Record<string, readonly string[]>} ids by path up to their parameter: `/v1/speakers/{id}`
 * @property {readonly Buffer[]} speech recordings that are right for any call
 * @property {readonly Buffer[]} recordings others
 *
 * @typedef {Known & { mistakes: boolean }} Manner
 *
 * A request of HTTP, or with `wire` bytes that are none.
 * @typedef {object} Sent
 * @property {Call | undefined} call the call of the document that it is a request of
 * @property {string} kind what is generated: 'call', 'form', 'method', 'path', 'wire'
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string>} headers
 * @property {Buffer | undefined} body
 * @property {Buffer | undefined} wire
 *
 * @typedef {{ status: number, headers: Record<string, string>, body: string }} Answer
 * @typedef {readonly [name: string, value: Buffer | string, filename?: string]} Part
 */

/** @typedef {import('fast-check').Arbitrary<unknown>} Unknowns */

/** What any call can answer to a request that is none of its own. */
const ALWAYS = [400, 404, 413, 415];

const NO_PATH = '/there/is/no/such/call';

export const HOSTILE = [
  '',
  '.',
  '..',
  '../../etc/passwd',
  '..\\..\\windows\\win.ini',
  '%2e%2e%2f',
  '%',
  '%00',
  "'; DROP TABLE speakers; --",
  '" OR 1=1 --',
  "ada' UNION SELECT * FROM settings --",
  'a\0b',
  '\u202e',
  '\ud800',
  '\ufeff',
  'ÄÖ 你好 🎙️',
  '__proto__',
  'constructor',
  'toString',
  'x'.repeat(10_000),
  '-1',
  '0',
  '1e999',
  '99999999999999999999',
  'NaN',
  'null',
  'true',
  '[object Object]',
  '${7*7}',
  '<script>alert(1)</script>',
  '$(id)',
  '\r\nx-injected: 1',
];

const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'grapheme', maxLength: 40 }));

const numbers = fc.constantFrom(0, -0, -1, 1, 0.5, 1e-308, 1e308, 2 ** 31, 2 ** 53, 2 ** 53 + 2, -(2 ** 63), 2 ** 64);

/**
 * The calls of a document.
 * @param {Document} document
 * @returns {Call[]}
 */
export function callsOf({ paths }) {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

/**
 * Requests of these calls: many of them right, many with a mistake somewhere, some that are nothing like it.
 * @param {readonly Call[]} calls
 * @param {Known} known
 * @returns {import('fast-check').Arbitrary<Sent>}
 */
export function requestsOf(calls, known) {
  const nearlyRight = suggestedRequests(calls, { ...known, mistakes: true });
  return fc.oneof(
    { weight: 8, arbitrary: suggestedRequests(calls, { ...known, mistakes: false }) },
    { weight: 6, arbitrary: nearlyRight },
    { weight: 3, arbitrary: brokenForms(calls, known) },
    { weight: 2, arbitrary: otherMethods(nearlyRight) },
    { weight: 2, arbitrary: otherPaths(calls) },
    { weight: 2, arbitrary: strangeHeaders(nearlyRight) },
    { weight: 1, arbitrary: wires(calls, known) },
  );
}

/**
 * The request of this number: the same for the same seed.
 * @param {import('fast-check').Arbitrary<Sent>} requests
 * @param {number} seed
 * @param {number} index
 */
export function nth(requests, seed, index) {
  return /** @type {Sent} */ (fc.sample(requests, { seed: seed * 1_000_003 + index, numRuns: 1 })[0]);
}

/**
 * Values of a schema; with mistakes, some that are none.
 * @param {Schema} schema
 * @param {Manner} manner
 * @returns {Unknowns}
 */
function valueOf(schema, manner) {
  if (!manner.mistakes) return validOf(schema, manner);
  return fc.oneof(
    { weight: 12, arbitrary: validOf(schema, manner) },
    { weight: 1, arbitrary: fc.jsonValue() },
    { weight: 1, arbitrary: hostile },
    { weight: 1, arbitrary: numbers },
  );
}

/** @param {Schema} schema @param {Manner} manner @returns {Unknowns} */
function validOf(schema, manner) {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map((choice) => validOf(choice, manner)));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.nullable) return fc.option(validOf({ ...schema, nullable: false }, manner));
  switch (schema.type) {
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'integer':
      return fc.integer({ min: within(schema.minimum, -1000), max: within(schema.maximum, 1000) });
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true });
    case 'array':
      return fc.array(valueOf(schema.items ?? {}, manner), { minLength: schema.minItems ?? 0, maxLength: 4 });
    case 'object':
      return objectOf(schema, manner);
    case 'string':
      return textOf(schema, manner);
    default:
      return fc.jsonValue();
  }
}

/** @param {Schema} schema @param {Manner} manner @returns {Unknowns} */
function textOf({ format, example, minLength = 0, maxLength = 30 }, { ids }) {
  if (format === 'uuid') return fc.uuid();
  if (format === 'date-time') return fc.date({ noInvalidDate: true, ...PAST }).map((date) => date.toISOString());
  const text = fc.string({ unit: 'grapheme', minLength, maxLength: Math.max(minLength, Math.min(maxLength, 30)) });
  const known = fc.constantFrom(...Object.values(ids).flat());
  return fc.oneof(text, known, ...(example === undefined ? [] : [{ weight: 3, arbitrary: fc.constant(example) }]));
}

const PAST = { min: new Date('2000-01-01T00:00:00Z'), max: new Date('2026-01-01T00:00:00Z') };

/** @param {Schema} schema @param {Manner} manner @returns {Unknowns} */
function objectOf({ properties = {}, required = [] }, manner) {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valueOf(schema, manner)]),
  );
  const right = fc.record(fields, { requiredKeys: required.filter((name) => name in fields) });
  if (!manner.mistakes) return right;
  return fc.oneof(
    { weight: 8, arbitrary: right },
    { weight: 1, arbitrary: fc.record(fields, { requiredKeys: [] }) },
    { weight: 1, arbitrary: fc.dictionary(hostile, fc.jsonValue(), { maxKeys: 4 }) },
  );
}

/** @param {number | undefined} bound @param {number} otherwise */
function within(bound, otherwise) {
  return bound === undefined ? otherwise : Math.max(-1000, Math.min(1000, Math.trunc(bound)));
}

/**
 * What the document suggests, or nearly suggests.
 * @param {readonly Call[]} calls
 * @param {Manner} manner
 * @returns {import('fast-check').Arbitrary<Sent>}
 */
function suggestedRequests(calls, manner) {
  return fc.constantFrom(...calls).chain((call) => {
    const parameters = (call.operation.parameters ?? []).filter(({ in: where }) => where !== 'header');
    const all = parameters.map(({ name, in: where, schema = {} }) =>
      where === 'path' ? idOf(upTo(call.path, name), manner) : valueOf(schema, manner).map(asText),
    );
    const optional = fc.oneof(
      { weight: manner.mistakes ? 3 : 6, arbitrary: fc.constant(false) },
      { weight: 3, arbitrary: fc.constant(true) },
    );
    const given = parameters.map(({ in: where }) => (where === 'path' ? fc.constant(true) : optional));
    return fc
      .tuple(fc.tuple(...all), fc.tuple(...given), bodyOf(call.operation, manner))
      .map(([texts, present, { headers, body }]) => {
        let target = call.path;
        /** @type {string[]} */
        const query = [];
        parameters.forEach(({ name, in: where }, i) => {
          const text = escape(/** @type {string} */ (texts[i]));
          if (where === 'path') target = target.replace(`{${name}}`, text);
          else if (present[i]) query.push(`${name}=${text}`);
        });
        const path = query.length > 0 ? `${target}?${query.join('&')}` : target;
        return { call, kind: 'call', method: call.method, path, headers, body, wire: undefined };
      });
  });
}

/** The path as far as this parameter. @param {string} path @param {string} name */
function upTo(path, name) {
  const parameter = `{${name}}`;
  return path.slice(0, path.indexOf(parameter) + parameter.length);
}

/** @param {string} path up to a parameter @param {Manner} manner */
function idOf(path, { ids, mistakes }) {
  const right = fc.constantFrom(...(ids[path] ?? Object.values(ids).flat()));
  return mistakes ? fc.oneof({ weight: 4, arbitrary: right }, { weight: 1, arbitrary: hostile }) : right;
}

/** @typedef {{ headers: Record<string, string>, body: Buffer | undefined }} Body */

/**
 * @param {Operation} operation
 * @param {Manner} manner
 * @returns {import('fast-check').Arbitrary<Body>}
 */
function bodyOf(operation, manner) {
  const content = operation.requestBody?.content ?? {};
  const json = content['application/json']?.schema;
  const form = content['multipart/form-data']?.schema;
  const raw = content['audio/*'];
  const none = fc.constant({ headers: {}, body: undefined });
  const choices = [];
  if (json) choices.push(valueOf(json, manner).map((value) => jsonBody(JSON.stringify(value) ?? '')));
  if (form) choices.push(formParts(form, manner).map((parts) => formBody(parts)));
  if (raw) choices.push(rawBody(manner));
  const right = choices.length > 0 ? fc.oneof(...choices) : none;
  if (!manner.mistakes) return right;
  const wrong = fc.oneof(
    badJson.map((text) => jsonBody(text)),
    fc.jsonValue({ maxDepth: 6 }).map((value) => jsonBody(JSON.stringify(value))),
    fc.tuple(contentTypes, hostile).map(([type, text]) => ({
      headers: { 'content-type': type },
      body: Buffer.from(text),
    })),
    none,
  );
  return fc.oneof({ weight: 8, arbitrary: right }, { weight: choices.length > 0 ? 2 : 1, arbitrary: wrong });
}

/**
 * A recording that is the body, some in gzip.
 * @param {Manner} manner
 * @returns {import('fast-check').Arbitrary<Body>}
 */
function rawBody({ mistakes, speech, recordings }) {
  const type = fc.constantFrom('audio/wav', 'audio/webm; codecs=opus', 'application/octet-stream', 'video/mp4');
  const bytes = fc.constantFrom(...speech, ...(mistakes ? recordings : []));
  return fc.tuple(type, bytes, fc.boolean()).map(([contentType, recording, packed]) => ({
    headers: { 'content-type': contentType, ...(packed ? { 'content-encoding': 'gzip' } : {}) },
    body: packed ? gzipSync(recording) : recording,
  }));
}

/** @param {string | Buffer} text */
function jsonBody(text) {
  return { headers: { 'content-type': 'application/json' }, body: Buffer.from(text) };
}

const badJson = fc.oneof(
  fc.constantFrom(
    '',
    '{',
    '[1,2',
    '"',
    'nul',
    '['.repeat(100_000),
    '{"a":'.repeat(50_000),
    `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    `{"a":${'9'.repeat(100_000)}}`,
    '{"id":1e999}',
    '{"id":-0.0e-999}',
    '{"__proto__":{"x":1}}',
    '{"constructor":{"prototype":{"x":1}}}',
    '{"id":"a","id":"b"}',
    '{"id":"\\ud800"}',
    '{"id":"\\u0000"}',
    '\ufeff{}',
    '\0',
    `{${Array.from({ length: 5000 }, (_, i) => `"k${i}":${i}`).join(',')}}`,
  ),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);

const contentTypes = fc.oneof(
  fc.constantFrom(
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
    'application/json;charset=nonsense',
    'application/jsonp',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/mixed; boundary=x',
    'APPLICATION/JSON',
    ',',
    '/',
    'a/b; c="',
  ),
  fc.string({ maxLength: 20 }).map((text) => `text/${text.replace(/[^\w]/g, '')}`),
);

/**
 * @param {Schema} schema
 * @param {Manner} manner
 * @returns {import('fast-check').Arbitrary<Part[]>}
 */
function formParts({ properties = {}, required = [] }, manner) {
  const { mistakes } = manner;
  const recordings = fc.constantFrom(...manner.speech, ...(mistakes ? manner.recordings : []));
  /** @type {import('fast-check').Arbitrary<Part[]>} */
  const nothing = fc.constant([]);
  const declared = Object.entries(properties).map(([name, of]) => {
    const isFile = of.format === 'binary' || of.items?.format === 'binary';
    /** @type {import('fast-check').Arbitrary<Part>} */
    const part = isFile
      ? fc.tuple(fc.constant(name), recordings, hostile)
      : fc.tuple(fc.constant(name), valueOf(of, manner).map(asText));
    const most = isFile && (mistakes || of.type === 'array') ? 2 : 1;
    const some = fc.array(part, { minLength: 1, maxLength: most });
    if (required.includes(name) && !mistakes) return some;
    return fc.oneof({ weight: isFile ? 6 : 1, arbitrary: some }, { weight: 1, arbitrary: nothing });
  });
  if (!mistakes) return fc.tuple(...declared).map((groups) => groups.flat());
  /** @type {import('fast-check').Arbitrary<Part[]>} */
  const stray = fc.array(fc.tuple(hostile, fc.oneof(recordings, hostile)), { maxLength: 1 });
  const strays = fc.oneof({ weight: 5, arbitrary: nothing }, { weight: 1, arbitrary: stray });
  return fc.tuple(...declared, strays).map((groups) => groups.flat());
}

/** @param {unknown} value */
function asText(value) {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** As encodeURIComponent(), but of lone surrogates too. @param {string} text */
function escape(text) {
  return encodeURIComponent(text.toWellFormed());
}

const BOUNDARY = '----timbre-of-a-voice';

/**
 * A form; a part that is a Buffer goes as a file.
 * @param {readonly Part[]} parts
 */
export function formBody(parts) {
  /** @type {Buffer[]} */
  const pieces = [];
  const quoted = (/** @type {string} */ text) =>
    text.replace(/[\r\n"]/g, (c) => (c === '"' ? '%22' : c === '\r' ? '%0D' : '%0A'));
  for (const [name, value, filename = 'recording.wav'] of parts) {
    const isFile = typeof value !== 'string';
    const file = isFile ? `; filename="${quoted(filename)}"\r\ncontent-type: application/octet-stream` : '';
    pieces.push(Buffer.from(`--${BOUNDARY}\r\ncontent-disposition: form-data; name="${quoted(name)}"${file}\r\n\r\n`));
    pieces.push(isFile ? value : Buffer.from(value), Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`--${BOUNDARY}--\r\n`));
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    body: Buffer.concat(pieces),
  };
}

/**
 * Forms that are malformed, break off, or say something else than they are.
 * @param {readonly Call[]} calls
 * @param {Known} known
 * @returns {import('fast-check').Arbitrary<Sent>}
 */
function brokenForms(calls, { ids, speech, recordings }) {
  const forms = calls.filter(({ operation }) => operation.requestBody?.content['multipart/form-data']);
  if (forms.length === 0) return otherPaths(calls);
  const fields = [...new Set(forms.flatMap(({ operation }) => Object.keys(propertiesOf(operation))))];
  const part = fc
    .tuple(fc.constantFrom(...fields), fc.constantFrom(...speech, ...recordings), hostile, fc.boolean())
    .map(([name, bytes, text, file]) => /** @type {Part} */ ([name, file ? bytes : text, text]));
  const damage = fc.constantFrom(
    /** @param {Buffer} body @param {number} share */ (body, share) =>
      body.subarray(0, Math.floor(share * body.length)),
    (/** @type {Buffer} */ body) => body.subarray(0, body.length - 4),
    (/** @type {Buffer} */ body) => Buffer.from(body.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
    (/** @type {Buffer} */ body) => replaced(body, 'content-disposition', 'content-position'),
    (/** @type {Buffer} */ body) => replaced(body, 'form-data;', 'attachment;'),
    (/** @type {Buffer} */ body) => replaced(body, '; name=', '; nom='),
    (/** @type {Buffer} */ body) => replaced(body, 'filename="', "filename*=UTF-8''%ff%fe\""),
    (/** @type {Buffer} */ body) => replaced(body, 'filename="', `filename="${'x'.repeat(100_000)}`),
    (/** @type {Buffer} */ body) => replaced(body, 'name="', 'name="__proto__'),
    (/** @type {Buffer} */ body) => replaced(body, 'application/octet-stream', 'multipart/mixed; boundary=inner'),
    (/** @type {Buffer} */ body) => replaced(body, '\r\n\r\n', '\r\ncontent-transfer-encoding: base64\r\n\r\n'),
    (/** @type {Buffer} */ body) => replaced(body, '\r\n\r\n', `\r\n${'x-more: 1\r\n'.repeat(3000)}\r\n`),
    (/** @type {Buffer} */ body) => replaced(body, '\r\n\r\n', '\r\nno colon\r\n\r\n'),
    (/** @type {Buffer} */ body) => Buffer.concat([Buffer.from('preamble\r\n'), body, Buffer.from('epilogue')]),
    (/** @type {Buffer} */ body) => Buffer.concat([body, body]),
    (/** @type {Buffer} */ body) => Buffer.concat(Array.from({ length: 100 }, () => body.subarray(0, 300))),
    () => Buffer.alloc(0),
    () => Buffer.from(`--${BOUNDARY}`),
    () => Buffer.from(`--${BOUNDARY}--\r\n`),
  );
  const types = fc.oneof(
    { weight: 5, arbitrary: fc.constant(`multipart/form-data; boundary=${BOUNDARY}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'multipart/form-data',
        'multipart/form-data; boundary=other',
        `multipart/form-data; boundary="${BOUNDARY}`,
        `multipart/form-data; boundary=${'b'.repeat(5000)}`,
        `multipart/form-data; boundary=${BOUNDARY}; boundary=x`,
      ),
    },
  );
  return fc
    .tuple(
      fc.constantFrom(...forms),
      fc.constantFrom(...Object.values(ids).flat()),
      fc.array(part, { maxLength: 40, size: '-1' }),
      damage,
      fc.double({ min: 0, max: 1, noNaN: true }),
      types,
    )
    .map(([call, id, parts, damaged, share, type]) => ({
      call,
      kind: 'form',
      method: call.method,
      path: call.path.replace(/\{\w+\}/g, escape(id)),
      headers: { 'content-type': type },
      body: damaged(formBody(parts).body, share),
      wire: undefined,
    }));
}

/** @param {Operation} operation @returns {Record<string, Schema>} */
function propertiesOf(operation) {
  return operation.requestBody?.content['multipart/form-data']?.schema.properties ?? {};
}

/** @param {Buffer} body @param {string} what @param {string} by */
function replaced(body, what, by) {
  return Buffer.from(
    body.toString('latin1').replace(what, () => by),
    'latin1',
  );
}

/**
 * @param {import('fast-check').Arbitrary<Sent>} suggested
 * @returns {import('fast-check').Arbitrary<Sent>}
 */
function otherMethods(suggested) {
  // CONNECT asks for a tunnel, and has no answer of this kind.
  const methods = METHODS.filter((method) => method !== 'CONNECT');
  return fc
    .tuple(suggested, fc.constantFrom(...methods))
    .map(([sent, method]) => ({ ...sent, call: undefined, kind: 'method', method }));
}

/**
 * @param {readonly Call[]} calls
 * @returns {import('fast-check').Arbitrary<Sent>}
 */
function otherPaths(calls) {
  const segment = fc.oneof(
    hostile.map(escape),
    fc.constantFrom('..', '.', '%2e%2e', '%2f', '%5c', '%00', '%zz', '%c0%af', '%u0041', ';a=b', '*', '~', '', 'v1'),
  );
  const beside = fc
    .tuple(fc.constantFrom(...calls), fc.array(segment, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([{ path }, segments, behind]) => {
      const more = segments.join('/');
      return behind ? `${path.replace(/[{}]/g, '')}/${more}` : path.replace(/\{\w+\}/g, more);
    });
  const anywhere = fc.array(segment, { maxLength: 6 }).map((segments) => `/${segments.join('/')}`);
  const known = fc.constantFrom(
    NO_PATH,
    '//',
    '/docs/../../../../etc/passwd',
    '/docs/%2e%2e%2fpackage.json',
    '/docs/..%5c..%5cpackage.json',
    '/docs/__proto__',
    '/docs/constructor',
    '/v1/speakers//',
    '/V1/SPEAKERS',
    '/v1/speakers?limit=1&limit=2&limit[]=3&limit[a]=4',
    '/v1/speakers?cursor=%00&cursor=',
    `/v1/speakers/${'a'.repeat(12_000)}`,
    `/v1/speakers?${'a=1&'.repeat(3000)}`,
  );
  return fc
    .tuple(fc.oneof(beside, anywhere, known), fc.constantFrom('GET', 'GET', 'HEAD', 'DELETE', 'POST', 'PATCH', 'PUT'))
    .map(([path, method]) => ({
      call: undefined,
      kind: 'path',
      method,
      path,
      headers: {},
      body: undefined,
      wire: undefined,
    }));
}

/**
 * @param {import('fast-check').Arbitrary<Sent>} suggested
 * @returns {import('fast-check').Arbitrary<Sent>}
 */
function strangeHeaders(suggested) {
  const text = hostile.map((value) => value.replace(/[^\x20-\x7e\x80-\xff]/g, '').slice(0, 4000));
  const header = fc.oneof(
    fc.tuple(
      fc.constantFrom(
        'x-request-id',
        'authorization',
        'x-api-key',
        'accept',
        'accept-encoding',
        'last-event-id',
        'origin',
        'range',
        'if-none-match',
        'x-forwarded-for',
        'cookie',
        'x-http-method-override',
      ),
      text,
    ),
    fc.constantFrom(
      ['content-encoding', 'gzip'],
      ['content-encoding', 'nonsense'],
      ['transfer-encoding', 'chunked'],
      ['origin', 'https://elsewhere.example'],
      ['origin', 'null'],
      ['host', 'elsewhere.example'],
      ['host', ''],
      ['authorization', 'Bearer tmb_nonsense'],
      ['authorization', 'Basic YTpi'],
      ['last-event-id', '-1'],
      ['last-event-id', '99999999999999999999'],
      ['upgrade', 'websocket'],
      ['expect', '200-ok'],
      ['accept', 'text/event-stream'],
    ),
  );
  return fc.tuple(suggested, fc.array(header, { minLength: 1, maxLength: 3 })).map(([sent, more]) => ({
    ...sent,
    // What a header asks for may be refused with a status that the call alone does not have.
    call: undefined,
    kind: 'headers',
    headers: { ...sent.headers, ...Object.fromEntries(more) },
  }));
}

/**
 * Bytes that are no request, or that stop in the middle of one.
 * @param {readonly Call[]} calls
 * @param {Known} known
 * @returns {import('fast-check').Arbitrary<Sent>}
 */
function wires(calls, { ids }) {
  const line = fc
    .tuple(fc.constantFrom(...calls), fc.constantFrom(...Object.values(ids).flat()))
    .map(
      ([{ method, path }, id]) => `${method} ${path.replace(/\{\w+\}/g, escape(id))} HTTP/1.1\r\nhost: localhost\r\n`,
    );
  const rest = fc.constantFrom(
    '\r\n',
    'content-length: 10\r\ncontent-type: application/json\r\n\r\n{"id',
    'content-length: -1\r\n\r\n',
    'content-length: 99999999999999999999\r\n\r\n{}',
    'content-length: 2\r\ncontent-length: 3\r\n\r\n{}',
    'content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'transfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\nffffffffffffffff\r\n{}',
    'transfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\n-1\r\n{}\r\n0\r\n\r\n',
    'transfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
    'transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'content-type: multipart/form-data; boundary=x\r\ncontent-length: 5000\r\n\r\n--x\r\ncontent-disposition: form-data; name="audio"; filename="a.wav"\r\n\r\nRIFF',
    'content-type: multipart/form-data; boundary=x\r\ntransfer-encoding: chunked\r\n\r\n3\r\n--x\r\n',
    `x-long: ${'x'.repeat(20_000)}\r\n\r\n`,
    `${'x-many: 1\r\n'.repeat(3000)}\r\n`,
    'x-null: a\0b\r\n\r\n',
    'no colon\r\n\r\n',
    ' folded: 1\r\n\r\n',
    'connection: upgrade\r\nupgrade: h2c\r\n\r\n',
    'expect: 100-continue\r\ncontent-length: 5\r\n\r\n',
    '\r\nGET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\nGET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n',
  );
  const whole = fc.oneof(
    fc.tuple(line, rest).map(([head, tail]) => Buffer.from(head + tail, 'latin1')),
    fc.tuple(line, fc.nat(200)).map(([head, length]) => Buffer.from(head.slice(0, length), 'latin1')),
    fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(
      Buffer.from('GET /\r\n\r\n'),
      Buffer.from('GET / HTTP/0.9\r\n\r\n'),
      Buffer.from('GET / HTTP/9.9\r\n\r\n'),
      Buffer.from('GET http://elsewhere.example/v1/info HTTP/1.1\r\nhost: x\r\n\r\n'),
      Buffer.from('GET /v1/info HTTP/1.1\r\n\r\n'),
      Buffer.from('GET /v1/info HTTP/1.0\r\n\r\n'),
      Buffer.from('OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n'),
      Buffer.from('CONNECT elsewhere.example:80 HTTP/1.1\r\nhost: x\r\n\r\n'),
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1'),
    ),
  );
  return whole.map((wire) => ({
    call: undefined,
    kind: 'wire',
    method: '',
    path: '',
    headers: {},
    body: undefined,
    wire,
  }));
}

/** Bytes of an answer that are kept: of pages and lists the beginning will do. */
const MOST_KEPT = 4 << 20;

/**
 * Sends requests over connections that are kept; `close()` ends them.
 * @param {string} base URL of the service
 * @param {{ seconds?: number, key?: string }} [options] after `seconds` without an answer it is an error; `key` goes with
 *   every request that brings none
 */
export function senderTo(base, { seconds = 60, key } = {}) {
  const { hostname, port } = new URL(base);
  const own = key === undefined ? {} : { 'x-api-key': key };
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return {
    /**
     * The answer; undefined where the service closed the connection without one.
     * @param {Sent} sent
     * @returns {Promise<Answer | undefined>}
     */
    send: (sent) =>
      sent.wire
        ? overWire(hostname, Number(port), sent.wire)
        : overHttp({ hostname, port, agent }, { ...sent, headers: { ...own, ...sent.headers } }, seconds),
    close: () => agent.destroy(),
  };
}

/**
 * Whether Node's own client refused to send a request: a header or a path that it does not let through.
 * @param {unknown} error
 */
export function isUnsendable(error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('ERR_');
}

/**
 * @param {{ hostname: string, port: string, agent: Agent }} to
 * @param {Sent} sent
 * @param {number} seconds
 * @returns {Promise<Answer | undefined>}
 */
function overHttp(to, { method, path, headers, body }, seconds) {
  return new Promise((resolve, reject) => {
    const chunked = 'transfer-encoding' in headers;
    const length = body && !chunked ? { 'content-length': String(body.length) } : {};
    const outgoing = httpRequest({ ...to, method, path, headers: { ...headers, ...length } });
    // Seconds of this process: one that was stopped for a while has not waited.
    let waited = 0;
    const watch = setInterval(() => {
      if (++waited < seconds) return;
      outgoing.destroy(Object.assign(new Error(`no answer in ${seconds} s`), { code: 'NO_ANSWER' }));
    }, 1000);
    outgoing.on('close', () => clearInterval(watch));
    outgoing.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      // Refused before the body was read: the answer may be lost with the connection. Whether anybody is still there
      // is seen by the next request.
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(undefined);
      else reject(error);
    });
    outgoing.on('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new Error('the service upgraded a connection'));
    });
    outgoing.on('response', (response) => {
      const flat = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
      /** @type {Buffer[]} */
      const chunks = [];
      let kept = 0;
      const done = () =>
        resolve({ status: response.statusCode ?? 0, headers: flat, body: Buffer.concat(chunks).toString('utf8') });
      response.on('data', (/** @type {Buffer} */ chunk) => {
        if (kept < MOST_KEPT) chunks.push(chunk);
        kept += chunk.length;
        // A stream of events may go on for as long as its job does.
        if (flat['content-type']?.startsWith('text/event-stream')) {
          done();
          outgoing.destroy();
        }
      });
      response.on('end', done);
      response.on('error', () => resolve(undefined));
    });
    outgoing.end(body);
  });
}

/** Time that a service gets to answer bytes which may never become a request, milliseconds. */
const PATIENCE_MS = 150;

/**
 * @param {string} host
 * @param {number} port
 * @param {Buffer} bytes
 * @returns {Promise<Answer | undefined>}
 */
function overWire(host, port, bytes) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let said = '';
    socket.on('connect', () => {
      socket.write(bytes);
      // Then the client goes away, whatever it still owes.
      setTimeout(() => socket.end(), PATIENCE_MS);
      setTimeout(() => socket.destroy(), 2 * PATIENCE_MS);
    });
    socket.on('data', (chunk) => (said += chunk.toString('latin1')));
    socket.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => resolve(parse(said)));
  });
}

/**
 * The first answer in what a connection said, if it is there as a whole.
 * @param {string} said
 * @returns {Answer | undefined}
 */
function parse(said) {
  const match = /^HTTP\/1\.1 (\d{3})[^\r\n]*\r\n([\s\S]*?)\r\n\r\n/.exec(said);
  if (!match) return undefined;
  const [all, status = '', lines = ''] = match;
  if (status.startsWith('1')) return parse(said.slice(all.length));
  const headers = Object.fromEntries(
    lines.split('\r\n').map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
  const rest = said.slice(all.length);
  const length = Number(headers['content-length'] ?? 0);
  if (rest.length < length) return undefined;
  return { status: Number(status), headers, body: Buffer.from(rest.slice(0, length), 'latin1').toString('utf8') };
}

/** Statuses above 499 that the service gives on purpose, with a code that says why. */
const DOCUMENTED_5XX = [503, 504];

/**
 * What is wrong with an answer; nothing when all is well.
 * @param {Sent} sent
 * @param {Answer} answer
 * @returns {string[]}
 */
export function faultsOf({ call, kind, method }, { status, headers, body }) {
  const faults = [];
  const documented = call ? Object.keys(call.operation.responses).map(Number) : [];
  const isHealth = call?.path.startsWith('/health') ?? false;
  if (status < 200 || status > 599) faults.push(`status ${status} is none`);
  if (status >= 500 && !DOCUMENTED_5XX.includes(status)) faults.push(`status ${status}`);
  if (call && kind === 'call' && ![...documented, ...ALWAYS].includes(status)) {
    faults.push(`status ${status} is not documented for ${call.operation.operationId}`);
  }
  if (status >= 400 && method !== 'HEAD' && !(isHealth && documented.includes(status))) {
    const fault = errorFault(body, headers);
    if (fault) faults.push(fault);
  }
  if (/\bat .+\.[jt]s:\d+/.test(body)) faults.push('the body tells a stack');
  return faults;
}

/**
 * @param {string} body
 * @param {Record<string, string>} headers
 */
function errorFault(body, headers) {
  try {
    const { code, message, requestId } = JSON.parse(body);
    if (typeof code !== 'string' || !/^[A-Z][A-Z_]+$/.test(code)) return `the code is ${JSON.stringify(code)}`;
    if (typeof message !== 'string' || message === '') return 'there is no message';
    if (typeof requestId !== 'string' || requestId === '') return 'there is no requestId';
    if (!headers['content-type']?.startsWith('application/json')) return `content-type ${headers['content-type']}`;
    if (headers['x-request-id'] !== requestId) return 'the header x-request-id is not the requestId of the body';
    return undefined;
  } catch {
    return `the body is not of the form of errors: ${body.slice(0, 200)}`;
  }
}
