import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { gaussianQuantiles } from '../../src/evaluation/testing.js';
import { fitImpostorTail } from '../../src/scoring/impostor-tail.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import type { Enrolled } from '../../src/service/enrollments/enrollments.service.js';
import type { EnrollmentInfo } from '../../src/service/records/enrollment.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { newSpeaker } from '../../src/service/records/speaker.js';
import { embeddingOf, ScriptedEngine } from './scripted-engine.js';
import { temporaryFolder } from './voices.js';
import { House } from './house.js';
import { fillDisk } from './stores.js';
import type { TimbreError } from '../../src/errors/timbre-error.js';

let folder: string;
let remove: () => Promise<void>;
let house: House;

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
  house = await House.open(folder);
});

afterEach(async () => {
  await house.close();
  await remove();
});

/** The service anew on the same data. */
async function restart(engine?: ScriptedEngine, settings?: ConfigInput): Promise<void> {
  await house.close();
  house = await House.open(folder, engine, settings);
}

function storedOf(result: Enrolled | undefined): EnrollmentInfo {
  if (result && 'enrollment' in result) return result.enrollment;
  throw new Error('nothing was stored');
}

describe('enrolment', () => {
  it('counts speech until there is enough', async () => {
    await house.speakers.create({ id: 'ada' });
    const first = await house.enrol('ada', { voice: 1, seconds: 12 });
    expect(first.profile).toMatchObject({ status: 'Enrolling', speechSeconds: 12, cohesion: null });
    const second = await house.enrol('ada', { voice: 1, seed: 1, seconds: 9 });
    expect(second.profile).toMatchObject({ status: 'Enrolled', speechSeconds: 21 });
    expect(second.profile?.confidence).toBeGreaterThan(first.profile?.confidence ?? 1);
    expect(second.speaker.version).toBe(3);
  });

  it.each([
    [{ seconds: 0.5 }, 'TOO_LITTLE_SPEECH'],
    [{ snrDb: 2 }, 'TOO_NOISY'],
    [{ clippedShare: 0.2 }, 'CLIPPED'],
    [{ bandwidthHz: 900 }, 'NARROW_BAND'],
  ])('keeps a recording with %j and says %s, and does not count it', async (flaw, reason) => {
    await house.speakers.create({ id: 'ada' });
    const { results, profile } = await house.enrol('ada', { voice: 1, ...flaw });
    expect(storedOf(results[0]).verdict).toEqual({ accepted: false, reasons: [reason], quality: 'POOR' });
    expect(profile).toMatchObject({ speechSeconds: 0, centroid: null, members: [], confidence: 0 });
  });

  it('knows the same file again, for the same speaker and for another', async () => {
    for (const id of ['ada', 'bob']) await house.speakers.create({ id });
    const script = { voice: 1, seconds: 12 };
    const first = await house.enrol('ada', script, script);
    expect(first.results).toMatchObject([{ duplicate: false }, { duplicate: true }]);
    const again = await house.enrol('ada', script);
    expect(again.results).toMatchObject([{ duplicate: true }]);
    expect(again.profile).toMatchObject({ speechSeconds: 12 });
    expect(again.speaker.version).toBe(first.speaker.version);
    const other = await house.enrol('bob', script);
    const embedding = (speakerId: string, { id }: EnrollmentInfo): Promise<Float32Array | null> =>
      house.store.read(({ enrollments }) => enrollments.embedding(speakerId, id));
    expect(await embedding('bob', storedOf(other.results[0]))).toEqual(
      await embedding('ada', storedOf(first.results[0])),
    );
    expect(house.engine.embedded).toHaveLength(1);
  });

  it('loses nothing to a recording that cannot be embedded', async () => {
    await house.speakers.create({ id: 'ada' });
    const { results, profile } = await house.enrol('ada', { voice: 1 }, 'noise of a modem', { voice: 1, seed: 1 });
    expect(results).toMatchObject([{ duplicate: false }, { error: { code: 'AUDIO_CORRUPT' } }, { duplicate: false }]);
    expect(profile?.members).toHaveLength(2);
  });

  it('stores nothing where all fail, and says why of each', async () => {
    await house.speakers.create({ id: 'ada' });
    await expect(house.enrol('ada', 'one', 'two')).rejects.toMatchObject({
      code: 'AUDIO_CORRUPT',
      details: { results: [{ index: 0 }, { index: 1 }] },
    });
    expect((await house.enrollments.list('ada')).enrollments).toEqual([]);
  });

  const CALL = { voice: 1, audio: { channels: 2, channelsAlike: false } };

  it('does not take a recording whose channels hold different people, and says which they are', async () => {
    await house.speakers.create({ id: 'ada' });
    const call = { ...CALL, each: [{ voice: 1 }, { voice: 1, seed: 1 }, { voice: 2 }] };
    const { results, profile } = await house.enrol('ada', { voice: 1, seed: 3 }, call);
    expect(results).toMatchObject([{ duplicate: false }, { error: { code: 'CHANNELS_DIFFER' } }]);
    const { error } = results[1] as { error: TimbreError };
    const { channels, cosine } = error.details as { channels: number[]; cosine: number };
    expect(channels[1]).toBe(2);
    expect(error.message).toContain(
      `channels ${channels[0]} and 2 hold different people (cosine ${cosine.toFixed(3)})`,
    );
    expect(error.message).toContain('channel=2');
    expect(profile?.members).toHaveLength(1);
    // The one that is meant is taken, and the same file is another recording then.
    const chosen = await house.enrolPart('ada', { channel: 0 }, call);
    expect(chosen.results).toMatchObject([{ duplicate: false }]);
    expect(chosen.profile?.members).toHaveLength(2);
  });

  it.each([
    ['of one person', [{ voice: 1 }, { voice: 1, seed: 1 }]],
    ['of one person, and next to nothing of another', [{ voice: 1 }, { voice: 2, seconds: 0.4 }]],
    ['of which one is noise', [{ voice: 1 }, { voice: 2, seconds: 0 }]],
  ])('takes a recording with channels %s', async (_name, each) => {
    await house.speakers.create({ id: 'ada' });
    const { results } = await house.enrol('ada', { ...CALL, each });
    expect(results).toMatchObject([{ duplicate: false }]);
  });

  it('listens to the channels of none whose channels are alike, or cancel each other', async () => {
    await house.speakers.create({ id: 'ada' });
    const each = [{ voice: 1 }, { voice: 2 }];
    const alike = { voice: 1, audio: { channels: 2, channelsAlike: true }, each };
    const cancelled = {
      voice: 1,
      audio: { channels: 2, channelsAlike: false, channelsCancel: true, channel: 1 },
      each,
    };
    const { results } = await house.enrol('ada', alike, cancelled);
    expect(results).toMatchObject([{ duplicate: false }, { duplicate: false }]);
    expect(house.engine.embedded).toHaveLength(2);
  });

  it('sets a stranger aside, and takes it back when the others turn out to be strangers', async () => {
    await house.enrolled('ada', 1);
    const { results, profile } = await house.enrol('ada', { voice: 2 });
    const stranger = storedOf(results[0]).id;
    expect(profile?.members.filter(({ outlier }) => outlier).map(({ enrollmentId }) => enrollmentId)).toEqual([
      stranger,
    ]);
    expect(profile?.speechSeconds).toBe(30);
    const { enrollments } = await house.enrollments.list('ada');
    for (const { id } of enrollments.slice(0, 2)) await house.enrollments.delete('ada', id);
    await house.enrol('ada', { voice: 2, seed: 1 }, { voice: 2, seed: 2 });
    const { profile: later } = await house.speakers.profile('ada');
    expect(later?.members.find(({ enrollmentId }) => enrollmentId === stranger)?.outlier).toBe(false);
  });

  it('loses none of fifty at once', async () => {
    await house.speakers.create({ id: 'ada' });
    await Promise.all(Array.from({ length: 50 }, (_, seed) => house.enrol('ada', { voice: 1, seed })));
    const { speaker, profile } = await house.speakers.get('ada');
    expect(speaker.version).toBe(51);
    expect(profile?.members).toHaveLength(50);
    expect(profile?.speechSeconds).toBe(500);
    const { enrollments } = await house.enrollments.list('ada');
    expect(new Set(profile?.members.map(({ enrollmentId }) => enrollmentId))).toEqual(
      new Set(enrollments.map(({ id }) => id)),
    );
  });

  it('stores one file once however often it comes at the same time', async () => {
    await house.speakers.create({ id: 'ada' });
    const all = await Promise.all(Array.from({ length: 10 }, () => house.enrol('ada', { voice: 1 })));
    const duplicates = all.filter(({ results }) => results[0] && 'duplicate' in results[0] && results[0].duplicate);
    expect(duplicates).toHaveLength(9);
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(1);
  });

  it('stores nothing for a speaker who is erased meanwhile', async () => {
    await house.speakers.create({ id: 'ada' });
    house.engine.before = async () => {
      await house.speakers.erase('ada');
    };
    await expect(house.enrol('ada', { voice: 1 })).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    await house.speakers.create({ id: 'ada' });
    expect((await house.enrollments.list('ada')).enrollments).toEqual([]);
  });

  it('stores nothing for a speaker who is erased meanwhile and whose id somebody else has by then', async () => {
    await house.speakers.create({ id: 'ada' });
    house.engine.before = async () => {
      await house.speakers.erase('ada');
      await house.speakers.create({ id: 'ada' });
    };
    await expect(house.enrol('ada', { voice: 1 })).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    expect((await house.enrollments.list('ada')).enrollments).toEqual([]);
    house.engine.before = () => Promise.resolve();
    await house.enrolled('bob', 2);
    house.engine.before = async () => {
      house.engine.before = () => Promise.resolve();
      await house.speakers.erase('bob');
      await house.enrolled('bob', 3);
    };
    await expect(house.verify('bob', { voice: 3, seed: 9 })).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
  });

  it('stores nothing on a full disk, and goes on when there is room', async () => {
    await house.enrolled('ada', 1);
    const before = await house.speakers.get('ada');
    const makeRoom = await fillDisk(house.database);
    const many = Array.from({ length: 30 }, (_, seed) => ({ voice: 1, seed: seed + 10 }));
    await expect(house.enrol('ada', ...many)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    expect(await house.speakers.get('ada')).toEqual(before);
    await makeRoom();
    expect((await house.enrol('ada', ...many)).profile?.members).toHaveLength(33);
  });

  it('ends at as many recordings as a speaker may have', async () => {
    await restart(undefined, { maxEnrollments: 3 });
    await house.enrolled('ada', 1);
    await expect(house.enrol('ada', { voice: 1, seed: 9 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(3);
  });

  it('refuses speakers and recordings that are not there', async () => {
    await expect(house.enrol('nobody', { voice: 1 })).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    expect(house.engine.embedded).toEqual([]);
    await house.speakers.create({ id: 'ada' });
    for (const id of ['', 'x', `' OR 1=1 --`, '../../etc/passwd']) {
      await expect(house.enrollments.delete('ada', id)).rejects.toMatchObject({ code: 'ENROLLMENT_NOT_FOUND' });
    }
  });
});

describe('verification', () => {
  it('accepts the speaker and rejects another', async () => {
    await house.enrolled('ada', 1);
    const own = await house.verify('ada', { voice: 1, seed: 77 });
    expect(own).toMatchObject({ decision: 'ACCEPT', score: { threshold: 0.4, falseAcceptRate: 0.01 } });
    expect(own.score?.cosine).toBeGreaterThan(0.8);
    expect(own.score?.llr).toBeCloseTo(-4 + 10 * (own.score?.cosine ?? 0), 6);
    expect(await house.verify('ada', { voice: 2 })).toMatchObject({ decision: 'REJECT' });
  });

  it('does not decide on too little', async () => {
    await house.speakers.create({ id: 'ada' });
    await house.enrol('ada', { voice: 1, seconds: 8 });
    expect(await house.verify('ada', { voice: 1, seed: 5 })).toMatchObject({
      decision: 'NOT_ENROLLED',
      score: null,
      recording: null,
      remainingEnrollmentsSpeechLengthInSec: 12,
    });
    await house.enrol('ada', { voice: 1, seed: 1, seconds: 12 });
    expect(await house.verify('ada', { voice: 1, seed: 6, seconds: 0.4 })).toMatchObject({
      decision: 'NOT_ENOUGH_SPEECH',
      missingSpeechSeconds: expect.closeTo(0.6, 9) as unknown,
      score: null,
      recording: { speech: { seconds: 0.4 } },
    });
  });

  it('does not decide without a threshold', async () => {
    await restart(new ScriptedEngine('scripted@0123456789ab', { thresholds: false }));
    await house.enrolled('ada', 1);
    expect(await house.verify('ada', { voice: 1, seed: 5 })).toMatchObject({
      decision: null,
      score: { llr: null, probability: null, threshold: null },
    });
  });

  it('knows neither the unknown nor the erased, not even one who is erased meanwhile', async () => {
    await expect(house.verify('nobody', { voice: 1 })).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    await house.enrolled('ada', 1);
    house.engine.before = async () => {
      await house.speakers.erase('ada');
    };
    await expect(house.verify('ada', { voice: 1, seed: 5 })).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
  });

  it.each([
    ['other weights', new ScriptedEngine('scripted@ba9876543210')],
    ['another front end', new ScriptedEngine(undefined, { window: 'povey' })],
  ])('does not compare embeddings of %s', async (_, engine) => {
    await house.enrolled('ada', 1);
    await restart(engine);
    await expect(house.verify('ada', { voice: 1, seed: 5 })).rejects.toMatchObject({
      code: 'MODEL_MISMATCH',
      details: { enrolledWith: [{ model: 'scripted@0123456789ab' }] },
    });
    expect(await house.identify({ voice: 1, seed: 5 })).toMatchObject({ decision: 'NOT_ENROLLED', gallerySize: 0 });
    // The same files again: they are embedded anew.
    await house.enrol('ada', ...Array.from({ length: 3 }, (_unused, seed) => ({ voice: 1, seed })));
    expect(engine.embedded).toHaveLength(4);
    expect(await house.verify('ada', { voice: 1, seed: 5 })).toMatchObject({ decision: 'ACCEPT' });
    await restart();
    expect(await house.verify('ada', { voice: 1, seed: 5 })).toMatchObject({ decision: 'ACCEPT' });
    expect((await house.speakers.profileBeside('ada')).others).toHaveLength(1);
  });
});

describe('identification', () => {
  beforeEach(async () => {
    for (const [voice, id] of ['ada', 'bob', 'cleo', 'dan'].entries()) await house.enrolled(id, voice);
  });

  it('ranks speakers and says who it is', async () => {
    const found = await house.identify({ voice: 2, seed: 50 }, 3);
    expect(found).toMatchObject({ decision: 'ACCEPT', speakerId: 'cleo', gallerySize: 4 });
    expect(found.ranking.map(({ rank }) => rank)).toEqual([1, 2, 3]);
    const cosines = found.ranking.map(({ score }) => score.cosine);
    expect(cosines).toEqual([...cosines].sort((a, b) => b - a));
    expect(found.margin).toBeCloseTo((cosines[0] ?? 0) - (cosines[1] ?? 0), 5);
  });

  it('gives the margin to the second even where only the first is asked for', async () => {
    const found = await house.identify({ voice: 2, seed: 50 }, 1);
    expect(found.ranking).toHaveLength(1);
    expect(found.margin).toBeGreaterThan(0.3);
  });

  it('knows that it is nobody', async () => {
    expect(await house.identify({ voice: 99 })).toMatchObject({ decision: 'REJECT', speakerId: null });
  });

  it('chooses among candidates', async () => {
    const found = await house.identify({ voice: 2, seed: 50 }, 5, ['ada', 'bob']);
    expect(found).toMatchObject({ decision: 'REJECT', gallerySize: 2 });
    expect(found.ranking.map(({ speakerId }) => speakerId).sort()).toEqual(['ada', 'bob']);
    await expect(house.identify({ voice: 2 }, 5, ['ada', 'nobody'])).rejects.toMatchObject({
      code: 'SPEAKER_NOT_FOUND',
    });
    await house.speakers.create({ id: 'eve' });
    expect(await house.identify({ voice: 2 }, 5, ['eve'])).toMatchObject({ decision: 'NOT_ENROLLED', ranking: [] });
  });

  describe('under a calibration that knows how high strangers score', () => {
    // Vectors of different voices are random: cosines of strangers around 0, so llr around -4, deviation 0.72.
    const impostorTail = fitImpostorTail(gaussianQuantiles(20_000, -4, 0.72));
    beforeEach(() => restart(new ScriptedEngine(undefined, { impostorTail })));

    it('asks for more evidence the more people there are, and says what it promises', async () => {
      const asked = { voice: 2, seed: 50 };
      const [one, all] = [await house.identify(asked, 5, ['cleo']), await house.identify(asked)];
      expect([one, all]).toMatchObject([
        { decision: 'ACCEPT', gallerySize: 1, falseAcceptRate: 0.01, extrapolated: false },
        { decision: 'ACCEPT', gallerySize: 4, falseAcceptRate: 0.01, extrapolated: false },
      ]);
      expect(one.threshold).toBeCloseTo(-4 + 0.72 * 2.33, 1);
      expect(all.threshold).toBeCloseTo(-4 + 0.72 * 2.81, 1);
      expect(await house.identify({ voice: 99 })).toMatchObject({ decision: 'REJECT', falseAcceptRate: 0.01 });
    });

    it('tells how near a stranger is, which the threshold shows, where that is asked for alone', async () => {
      const ask = async (nearest: boolean): Promise<unknown> =>
        house.identification.identify(await house.recording({ voice: 99 }), { top: 5 }, {}, nearest);
      const refused = { decision: 'REJECT', falseAcceptRate: 0.01, gallerySize: 4 };
      expect(await ask(true)).toMatchObject({ ...refused, threshold: expect.any(Number), extrapolated: false });
      expect(await ask(false)).toMatchObject({ ...refused, threshold: null, extrapolated: null, margin: null, ranking: [] }); // prettier-ignore
    });

    it('decides at the rate that a request asks for, and says it', async () => {
      const asked = { voice: 2, seed: 50 };
      const strict = await house.identify(asked, 5, undefined, 1e-4);
      expect(strict).toMatchObject({ falseAcceptRate: 1e-4, thresholdFrom: 'calibration' });
      expect(strict.threshold).toBeGreaterThan((await house.identify(asked)).threshold!);
      const thresholds: number[] = [];
      for (const rate of [0.2, 0.05, 1e-3, 1e-5]) {
        const { score } = await house.verify('cleo', asked, rate);
        expect(score).toMatchObject({ falseAcceptRate: rate, thresholdFrom: 'calibration', extrapolated: rate < 1e-4 });
        thresholds.push(score!.threshold!);
      }
      expect(thresholds).toEqual([...thresholds].sort((a, b) => a - b));
    });

    it('names nobody where two people are too close', async () => {
      await house.enrolled('twin-of-cleo', 2);
      expect(await house.identify({ voice: 2, seed: 50 })).toMatchObject({ decision: 'AMBIGUOUS', speakerId: null });
      expect(await house.identify({ voice: 1, seed: 50 })).toMatchObject({ decision: 'ACCEPT', speakerId: 'bob' });
    });
  });

  it('promises no rate under a calibration that does not know how high strangers score', async () => {
    expect(await house.identify({ voice: 2, seed: 50 })).toMatchObject({ falseAcceptRate: null, threshold: null });
  });

  it('decides at no rate that the calibration has no threshold for', async () => {
    await expect(house.identify({ voice: 2 }, 5, undefined, 0.05)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(house.verify('cleo', { voice: 2 }, 0.05)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await house.verify('cleo', { voice: 2, seed: 50 }, 0.01)).toMatchObject({ decision: 'ACCEPT' });
  });

  it('does not decide on too little speech', async () => {
    expect(await house.identify({ voice: 2, seconds: 0.5 })).toMatchObject({
      decision: 'NOT_ENOUGH_SPEECH',
      missingSpeechSeconds: expect.closeTo(0.5, 9) as unknown,
      ranking: [],
    });
  });

  it('follows every change at once, and has the same gallery after a restart', async () => {
    await house.gallery.ready();
    await house.speakers.erase('bob');
    expect(await house.identify({ voice: 1, seed: 50 })).toMatchObject({ decision: 'REJECT', gallerySize: 3 });
    const { enrollments } = await house.enrollments.list('ada');
    for (const { id } of enrollments.slice(0, 2)) await house.enrollments.delete('ada', id);
    await house.enrolled('eve', 7);
    const asked = { voice: 0, seed: 50 };
    const before = await house.identify(asked);
    expect(before.ranking.map(({ speakerId }) => speakerId).sort()).toEqual(['cleo', 'dan', 'eve']);
    await restart();
    expect(await house.identify(asked)).toEqual(before);
  });

  it('builds the gallery in batches while speakers come and go', async () => {
    const { origin, profile } = await house.speakers.profile('ada');
    await new TypeOrmUnitOfWork(house.database).transaction(async ({ speakers, profiles }) => {
      for (let i = 0; i < 250; i++) {
        const id = `s${i}`;
        await speakers.insert(newSpeaker({ id }, new Date()));
        if (!profile) throw new Error('ada is enrolled');
        await profiles.put({ ...profile, speakerId: id, origin, centroid: embeddingOf({ voice: 100 + i }) });
      }
    });
    await restart();
    const building = house.gallery.ready();
    await Promise.all([house.speakers.erase('s7'), house.enrolled('new', 900), building]);
    expect(await house.identify({ voice: 107, seed: 5 })).toMatchObject({ decision: 'REJECT', gallerySize: 254 });
    expect(await house.identify({ voice: 900, seed: 5 })).toMatchObject({ decision: 'ACCEPT', speakerId: 'new' });
  });
});
