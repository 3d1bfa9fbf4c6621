import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Config } from '../../src/service/config/config.js';
import { floorsOf } from '../../src/service/config/floors.js';
import { toEnrollmentView } from '../../src/service/enrollments/enrollments.dto.js';
import { House } from './house.js';
import { temporaryFolder } from './voices.js';

/** Net speech that is needed to match, to update a profile, and to count as enrolled. */
const SETTINGS = { minSpeechSeconds: 2, minUpdateSeconds: 4, enrollmentSeconds: 9 };

let house: House;
let remove: () => Promise<void>;

beforeEach(async () => {
  const made = await temporaryFolder();
  remove = made.remove;
  house = await House.open(made.folder, undefined, SETTINGS);
});

afterEach(async () => {
  await house.close();
  await remove();
});

it('each has its own, and whatever lacks some says how much', async () => {
  await house.speakers.create({ id: 'ada' });
  const { results, profile } = await house.enrol(
    'ada',
    { voice: 1, seed: 1, seconds: 3.5 },
    { voice: 1, seed: 2, seconds: 4 },
  );
  const views = results.map((result) => {
    if (!('enrollment' in result)) throw new Error('a recording failed');
    return toEnrollmentView(result.enrollment, profile, SETTINGS.minUpdateSeconds, false);
  });
  expect(views).toMatchObject([
    { accepted: false, reasons: ['TOO_LITTLE_SPEECH'], missingSpeechSeconds: 0.5 },
    { accepted: true, reasons: [], missingSpeechSeconds: null },
  ]);
  const verify = (seconds: number) => house.verify('ada', { voice: 1, seed: 9, seconds });
  expect(await verify(3)).toMatchObject({ decision: 'NOT_ENROLLED', remainingEnrollmentsSpeechLengthInSec: 5 });
  await house.enrol('ada', { voice: 1, seed: 3, seconds: 5 });
  expect(await verify(1.5)).toMatchObject({ decision: 'NOT_ENOUGH_SPEECH', missingSpeechSeconds: 0.5 });
  expect(await house.identify({ voice: 1, seed: 8, seconds: 1 })).toMatchObject({
    decision: 'NOT_ENOUGH_SPEECH',
    missingSpeechSeconds: 1,
  });
  // Enough to match, though it would not become part of the profile.
  expect(await verify(2)).toMatchObject({ decision: 'ACCEPT', missingSpeechSeconds: null });
});

it('a recording needs no less to become part of a profile than to match one', () => {
  const floors = (settings: object) => floorsOf(Config.of(settings));
  expect(floors({})).toEqual({ match: 1, update: 1, create: 20 });
  expect(floors({ minSpeechSeconds: '3' })).toEqual({ match: 3, update: 3, create: 20 });
  expect(floors({ minSpeechSeconds: '3', minUpdateSeconds: '2' })).toMatchObject({ match: 3, update: 3 });
  expect(floors({ minSpeechSeconds: '0', minUpdateSeconds: '2' })).toMatchObject({ match: 0, update: 2 });
});
