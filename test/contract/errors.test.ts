import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { ERROR_CODES } from '../../src/errors/error-codes.js';
import { decorators, ThrownCodes, type Boundaries } from './thrown-codes.js';

/** What a recording can be told by the engine, whose native errors have no `new` in src/. */
const RECORDING = [
  'AUDIO_TOO_LARGE',
  'AUDIO_UNSUPPORTED',
  'AUDIO_CORRUPT',
  'AUDIO_TOO_SHORT',
  'AUDIO_TOO_LONG',
  'NO_SPEECH',
  'OUT_OF_MEMORY',
  'DECODER_FAILED',
  'INFERENCE_FAILED',
  'DEADLINE_EXCEEDED',
];
const ENGINE = ['MODEL_NOT_READY', 'ENGINE_CLOSED'];
const READING = ['STORAGE_UNAVAILABLE', 'STORAGE_INVALID'];
const WRITING = [...READING, 'STORAGE_FULL'];

const BOUNDARIES: Boundaries = {
  'AddonEngine.embed': [...ENGINE, ...RECORDING, 'OVERLOADED'],
  'AddonEngine.embedBatch': [...ENGINE, ...RECORDING],
  'AddonEngine.converse': [...ENGINE, ...RECORDING, 'OVERLOADED', 'MODEL_INVALID'],
  'AddonEngine.admitConversation': ['MODEL_NOT_READY'],
  // A job waits for it.
  'AddonEngine.readyForConversations': [],
  'AddonEngine.ready': ENGINE,
  'AddonEngine.info': ENGINE,
  'AddonEngine.scorer': ENGINE,
  'AddonEngine.calibration': ENGINE,
  // The bundle's own is sound, or it would not be loaded; another was looked at before.
  'AddonEngine.calibrate': [],
  // MODEL_INVALID is of a calibration that was given, and told as INVALID_ARGUMENT.
  'AddonEngine.checkCalibration': ENGINE,
  'CalibrationsService.require': [...ENGINE, 'MODEL_MISMATCH'],
  'AddonEngine.stats': [],
  'AddonEngine.close': [],
  'Database.transaction': WRITING,
  'Database.query': WRITING,
  'Database.read': READING,
  'Database.snapshot': [...READING, 'OVERLOADED'],
  'PostgresDatabase.transaction': WRITING,
  'PostgresDatabase.query': WRITING,
  'PostgresDatabase.read': READING,
  'PostgresDatabase.readOne': READING,
  'PostgresDatabase.snapshot': [...READING, 'OVERLOADED'],
  'PostgresDatabase.locked': READING,
  'PostgresDatabase.statement': READING,
  'SideConnection.query': READING,
  'SideConnection.transaction': WRITING,
  // They write by a function that they were given.
  'TypeOrmKeyStore.insert': [...WRITING, 'GROUP_NOT_FOUND'],
  'TypeOrmKeyStore.revoke': WRITING,
  // Nobody waits for the note of when a key was used.
  'KeyRing.note': [],
  // Each looks whether there is a model before it asks about it.
  'CurrentModel.lastOrigin': [],
  'InfoController.model': [],
  'EngineHealth.check': [],
  // An indicator tells what is wrong, in an answer of its own.
  'VoicesHealth.database': [],
  'VoicesHealth.gallery': [],
  'VoicesHealth.records': [],
  'VoicesHealth.retention': [],
  // The manifest of a loaded model has a front end, and the addon is there.
  frontEndId: [],
  addon: [],
  // The embeddings of a service are those of its one model.
  cosine: [],
  // What the storage refuses costs the lesson, never the verification.
  'LearningService.consider': ENGINE,
  'Scorer.compare': [],
  'Scorer.side': [],
};

/** What these call only where there is a model, or a cohort. */
const GUARDED: Readonly<Record<string, string[]>> = {
  getInfo: ['AddonEngine.info', 'AddonEngine.scorer', 'AddonEngine.calibration'],
  getEnrolledTrials: ['cohortStatistics'],
};

/** Of every call: a defect, a client that is gone, and what is wrong with a request in a way that any can be. */
const WITHOUT_SAYING = ['INTERNAL', 'ABORTED', 'INVALID_ARGUMENT'];

interface Operation {
  operationId: string;
  'x-scope': string;
  'x-bound-keys'?: string;
  responses: Record<string, { description?: string }>;
}

const document = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
};
const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
const thrown = new ThrownCodes(BOUNDARIES);
const handlers = thrown.operations();

function documented({ responses }: Operation): string[] {
  const texts = Object.values(responses).map(({ description = '' }) => description);
  return texts.flatMap((text) => Array.from(text.matchAll(/`([A-Z_]+)`: /g), ([, code]) => code!));
}

/** What can be thrown before the handler runs, while it does, and by what is around it. */
function possible({ operationId, 'x-scope': scope, 'x-bound-keys': bound = 'refused' }: Operation): Set<string> {
  const handler = handlers.get(operationId);
  if (!handler) throw new Error(`no controller has the operation ${operationId}`);
  const around: string[] = ['RequestInterceptor.intercept'];
  const without = [...(GUARDED[operationId] ?? [])];
  if (scope !== 'public') around.push('AccessGuard.canActivate');
  if (bound !== 'refused') without.push('forbiddenGroup');
  for (const { expression, arguments: given } of decorators(handler)) {
    const name = expression.getText();
    if (name === 'UseInterceptors') around.push(...given.map((one) => `${one.getText()}.intercept`));
    if (name !== 'AcceptsRecordings') continue;
    around.push('UploadsInterceptor.intercept');
    const text = given.map((one) => one.getText()).join();
    if (text.includes('orJson')) around.push('acceptJson', 'refuseOtherBodies');
    // A job waits for the model by itself.
    if (text.includes('forJob')) without.push('AddonEngine.admit');
    // Speakers are added only where they are not there.
    if (text.includes('forJob')) without.push('TypeOrmSpeakerRepository.insert');
    // No session names a group.
    if (text.includes('forJob')) without.push('requireGroup');
  }
  const parameters = handler.parameters.flatMap((parameter) => decorators(parameter));
  if (parameters.some(({ expression }) => expression.getText() === 'Body')) {
    around.push('acceptJson', 'refuseOtherBodies', 'RequestValidation.transform');
  }
  return thrown.reachable([handler, ...around.map((name) => thrown.named(name))], without);
}

describe('the errors of a call in the OpenAPI document', () => {
  test('there are calls to look at, and the analysis finds what they throw', () => {
    expect(operations.length).toBeGreaterThan(30);
    const erase = thrown.reachable([thrown.named('SpeakersService.erase')]);
    expect([...erase].sort()).toEqual([
      'CONFLICT',
      'SPEAKER_NOT_FOUND',
      'STORAGE_FULL',
      'STORAGE_INVALID',
      'STORAGE_UNAVAILABLE',
    ]);
  });

  test.each(operations.map((operation) => [operation.operationId, operation] as const))(
    'are those that it can answer: %s',
    (_, operation) => {
      const told = documented(operation).filter((code) => !WITHOUT_SAYING.includes(code));
      const can = [...possible(operation)].filter((code) => !WITHOUT_SAYING.includes(code));
      expect({
        cannotBeThrown: told.filter((code) => !can.includes(code)).sort(),
        notDocumented: can.filter((code) => !told.includes(code)).sort(),
        twice: told.filter((code, i) => told.indexOf(code) !== i),
      }).toEqual({ cannotBeThrown: [], notDocumented: [], twice: [] });
    },
  );
});

describe('the error table', () => {
  test('has no code that nothing throws', () => {
    const made = thrown.everywhere();
    const native = ts.sys
      .readDirectory(`${ts.sys.getCurrentDirectory()}/native/core`, ['.cpp', '.h'])
      .map((path) => ts.sys.readFile(path) ?? '')
      .join();
    const ofNative = new Set(Array.from(native.matchAll(/\b(?:ErrorCode|Code)::(\w+)/g), ([, code]) => code));
    const unused = Object.keys(ERROR_CODES).filter((code) => !made.has(code) && !ofNative.has(code));
    expect(unused).toEqual([]);
  });
});
