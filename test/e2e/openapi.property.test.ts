import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc, { type Arbitrary } from 'fast-check';
import { readFileSync } from 'node:fs';
import { errorBody } from '../../src/common/api-errors.js';
import { canSpeak, formOf, silence, spoken, TestService, wav, Workshop, type Part } from './support.js';

/**
 * Requests made from the OpenAPI document, right and wrong: none may end with a status of 500 or above, and every
 * status must be one that the document names for the call or that every call can have.
 *
 * TIMBRE_FUZZ_RUNS (default 300) and TIMBRE_FUZZ_SEED (default fixed, so that a failure in CI is the same on every
 * machine) make it longer and different.
 */
const RUNS = Number(process.env['TIMBRE_FUZZ_RUNS'] ?? 300);
const SEED = Number(process.env['TIMBRE_FUZZ_SEED'] ?? 20_260_731);
/** Milliseconds after which the default run ends, however far it is. */
const LONGEST = RUNS > 300 ? undefined : 45_000;

interface Schema {
  type?: string;
  format?: string;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minItems?: number;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  nullable?: boolean;
  anyOf?: Schema[];
  oneOf?: Schema[];
  additionalProperties?: Schema | boolean;
}

interface Operation {
  operationId: string;
  responses: Record<string, unknown>;
  parameters?: { name: string; in: 'path' | 'query'; schema?: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
}

interface Sent {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
  form?: Part[];
}

const { paths } = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')) as Document;

const OPERATIONS = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);

/** What any call can answer to a request that is none of its own. */
const ALWAYS = ['400', '404', '413', '415'];

const HOSTILE = [
  '',
  '.',
  '..',
  '../../etc/passwd',
  '%2e%2e%2f',
  '%',
  "'; DROP TABLE speakers; --",
  '" OR 1=1 --',
  'a\0b',
  '\u202e',
  'ÄÖ 你好 🎙️',
  '__proto__',
  'constructor',
  'x'.repeat(10_000),
  '-1',
  '1e999',
  'null',
];

const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'grapheme', maxLength: 40 }));

/** Ids that are there, so that calls get beyond "not found". */
const ids = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('ada', 'bob') }, { weight: 2, arbitrary: hostile });

function valueOf(schema: Schema): Arbitrary<unknown> {
  return fc.oneof(
    { weight: 6, arbitrary: validOf(schema) },
    { weight: 1, arbitrary: fc.jsonValue() },
    { weight: 1, arbitrary: hostile },
  );
}

function validOf(schema: Schema): Arbitrary<unknown> {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map(validOf));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.nullable) return fc.option(validOf({ ...schema, nullable: false }));
  switch (schema.type) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: within(schema.minimum, -1000), max: within(schema.maximum, 1000) });
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true });
    case 'array':
      return fc.array(valueOf(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 4 });
    case 'object':
      return objectOf(schema);
    case 'string': {
      const length = { minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 30, 30) };
      return fc.oneof(fc.string({ unit: 'grapheme', ...length }), fc.constantFrom('ada', 'bob'));
    }
    default:
      return fc.jsonValue();
  }
}

function within(bound: number | undefined, otherwise: number): number {
  return bound === undefined ? otherwise : Math.max(-1000, Math.min(1000, Math.trunc(bound)));
}

function objectOf({ properties = {}, required = [] }: Schema): Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, valueOf(schema)]));
  const names = required.filter((name) => name in fields);
  return fc.oneof(
    { weight: 5, arbitrary: fc.record(fields, { requiredKeys: names }) },
    { weight: 1, arbitrary: fc.record(fields, { requiredKeys: [] }) },
    { weight: 1, arbitrary: fc.dictionary(hostile, fc.jsonValue(), { maxKeys: 4 }) },
  );
}

/** Speech where it can be made, so that calls about voices get to their end. */
const SPEECH = canSpeak ? [spoken('m1', 0), spoken('f2', 1)] : [wav(6)];

const recordings = fc.constantFrom(
  ...SPEECH,
  wav(1.5),
  wav(2, { seed: 2, rate: 8000 }),
  wav(0.01),
  silence(1),
  wav(1).subarray(0, 5000),
  Buffer.from('no recording'),
  Buffer.alloc(0),
);

function formParts(schema: Schema): Arbitrary<Part[]> {
  const declared = Object.entries(schema.properties ?? {}).map(([name, of]): Arbitrary<Part[]> => {
    const isFile = of.format === 'binary' || of.items?.format === 'binary';
    const file = fc.tuple(fc.constant(name), recordings, hostile) as Arbitrary<Part>;
    if (isFile)
      return fc.oneof(
        { weight: 5, arbitrary: fc.array(file, { minLength: 1, maxLength: 2 }) },
        fc.constant<Part[]>([]),
      );
    const text = fc.tuple(fc.constant(name), valueOf(of).map(asText));
    return fc.oneof(
      text.map((part): Part[] => [part]),
      fc.constant<Part[]>([]),
    );
  });
  const stray = fc.array(fc.tuple(hostile, fc.oneof(recordings, hostile)), { maxLength: 1 });
  const strays = fc.oneof({ weight: 4, arbitrary: fc.constant<Part[]>([]) }, stray);
  return fc.tuple(...declared, strays).map((groups) => groups.flat());
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const badJson = fc.constantFrom(
  '',
  '{',
  '[1,2',
  '"',
  'nul',
  '['.repeat(100_000),
  '{"a":'.repeat(50_000),
  '{"__proto__":{"x":1}}',
  '\0',
);

function bodyOf(operation: Operation): Arbitrary<Partial<Sent>> {
  const content = operation.requestBody?.content ?? {};
  const json = content['application/json']?.schema;
  const form = content['multipart/form-data']?.schema;
  const asJson = (body: string): Partial<Sent> => ({ headers: { 'content-type': 'application/json' }, body });
  const wrong = fc.oneof(
    badJson.map(asJson),
    fc.jsonValue().map((value) => asJson(JSON.stringify(value))),
    fc.tuple(hostile, hostile).map(([type, body]): Partial<Sent> => ({
      headers: { 'content-type': `text/${type.replace(/[^\w]/g, '')}` },
      body,
    })),
    fc.constant({}),
  );
  const right: Arbitrary<Partial<Sent>> = json
    ? valueOf(json).map((value) => asJson(JSON.stringify(value)))
    : form
      ? formParts(form).map((parts) => ({ form: parts }))
      : fc.constant({});
  return fc.oneof({ weight: 5, arbitrary: right }, { weight: json || form ? 1 : 0, arbitrary: wrong });
}

const request = fc.constantFrom(...OPERATIONS).chain(({ method, path, operation }) => {
  const parameters = operation.parameters ?? [];
  const values = parameters.map(({ in: where, schema = {} }) => (where === 'path' ? ids : valueOf(schema).map(asText)));
  const present = fc.tuple(...parameters.map(({ in: where }) => (where === 'path' ? fc.constant(true) : fc.boolean())));
  return fc.tuple(fc.tuple(...values), present, bodyOf(operation)).map(([all, given, body]) => {
    let target = path;
    const query = new URLSearchParams();
    parameters.forEach(({ name, in: where }, i) => {
      if (where === 'path') target = target.replace(`{${name}}`, encodeURIComponent(all[i]!));
      else if (given[i]) query.append(name, all[i]!);
    });
    const sent: Sent = { method, path: query.size > 0 ? `${target}?${query.toString()}` : target, ...body };
    return { operation, sent };
  });
});

let workshop: Workshop;
let service: TestService;

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await TestService.start(workshop, {
    model: await workshop.bundle(),
    maxFiles: 3,
    enrollmentSeconds: 3,
    logLevel: 'error',
  });
  await service.service.ready();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

test(
  'no request that the document suggests, or nearly suggests, is a defect',
  async () => {
    const seen = new Map<string, number>();
    await service.postJson('/v1/speakers', { id: 'ada' });
    await service.postForm('/v1/speakers/ada/enrollments', [['audio', SPEECH[0]!]]);
    await fc.assert(
      fc.asyncProperty(request, async ({ operation, sent: { method, path, headers = {}, body, form } }) => {
        const init: RequestInit = { method, headers };
        if (form) init.body = formOf(form);
        else if (body !== undefined && method !== 'GET') init.body = body;
        const response = await service.fetch(path, init);
        const text = await response.text();
        const status = String(response.status);
        const key = `${operation.operationId} ${status}`;
        seen.set(key, (seen.get(key) ?? 0) + 1);
        expect(response.status).toBeLessThan(500);
        expect([...Object.keys(operation.responses), ...ALWAYS]).toContain(status);
        if (response.status >= 400) errorBody.parse(JSON.parse(text));
      }),
      { numRuns: RUNS, seed: SEED, ...(LONGEST === undefined ? {} : { interruptAfterTimeLimit: LONGEST }) },
    );
    expect(service.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
    expect(await service.uploads()).toEqual([]);
    // It is no test when nothing gets past the first check.
    const operations = new Set([...seen.keys()].filter((key) => /2\d\d$/.test(key)).map((key) => key.split(' ')[0]));
    expect(operations.size).toBeGreaterThanOrEqual(RUNS >= 300 ? 8 : 1);
  },
  RUNS > 300 ? 24 * 3600_000 : 90_000,
);
