import { createHash, randomUUID } from 'node:crypto';
import { newApiKey } from '../../src/service/access/api-key.js';
import type { Storage } from '../../src/service/persistence/common/storage.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import type { ConversationFindings } from '../../src/service/records/conversation.js';
import { newGroup } from '../../src/service/records/group.js';
import { newJob } from '../../src/service/records/job.js';
import { newReEmbedding } from '../../src/service/records/re-embedding.js';
import { UNKNOWN_VOICE_STATES } from '../../src/service/records/unknown-voice.js';
import { PIECE_BYTES } from '../../src/service/persistence/common/sealed-audio.js';
import { buildProfile } from '../../src/service/records/profile.js';
import type { VoiceRecords } from '../../src/service/records/unit-of-work.js';
import { newCalibration } from './saved-calibrations.js';
import { enrollment, ORIGIN, speaker } from './voices.js';

const DAY = 86_400_000;

/** Texts that are told apart, folded or escaped in other ways by databases. */
const NAMES = ['Ada', 'Æthelred ☃', 'ß\u0301 𐐷', 'O\'Neill; -- "', 'ZZ 10', 'zz 9', '\\u0041'];

/** A row, and mostly several, in every table that a service writes: `people` of them, who are not alike. */
export async function populate(
  { store, keyStore: keys, keptAudio }: Pick<Storage, 'store' | 'keyStore' | 'keptAudio'>,
  people: number,
): Promise<string[]> {
  const unit = new TypeOrmUnitOfWork(store);
  const write = (work: (records: VoiceRecords) => Promise<unknown>): Promise<unknown> => unit.transaction(work);
  const now = new Date();
  const groups = [newGroup({ id: 'home', name: 'At home' }, now), newGroup({ id: 'work' }, now)];
  await write(async (records) => {
    for (const group of groups) await records.groups.insert(group);
    await records.groups.update({ ...groups[1]!, watchRate: 0.001 });
  });
  await write(({ webhooks }) =>
    webhooks.insert({
      id: randomUUID(),
      url: 'https://example.org/told',
      events: ['job.finished', 'watch.matched', 'webhook.test'],
      secret: Buffer.alloc(32, 7),
      createdAt: now,
      goneAt: null,
    }),
  );
  await write(async ({ calibrations }) => {
    const first = await calibrations.insert(newCalibration(ORIGIN.model, { note: 'Räume ☃' }));
    await calibrations.insert(newCalibration(ORIGIN.model, { from: 'people' }));
    const third = await calibrations.insert(newCalibration('other@0123456789ab', { from: 'trials' }));
    for (const one of [first, third]) await calibrations.use(one, now);
  });
  const ids = Array.from({ length: people }, (_, i) => `person-${i}`);
  for (const [i, id] of ids.entries()) await write((records) => addPerson(records, id, i, groups));
  await write((records) => addWork(records, ids, now));
  await write((records) => addUnknownVoices(records, ids[0]!, now));
  for (const [i, recording] of recordingsOf(ids).entries()) {
    const contentSha256 = createHash('sha256').update(recording.audio).digest('hex');
    const { key, ...stored } = await keptAudio.store(recording.audio, contentSha256);
    const kept = { ...stored, speakerId: recording.speakerId, contentSha256, createdAt: new Date(6000 + i) };
    await write(({ recordings }) => recordings.insert(kept, key));
  }
  await write(async ({ reEmbeddings }) => {
    await reEmbeddings.insert(newReEmbedding(randomUUID(), ORIGIN, 'test', 2, { people: 2, withoutAudio: 1 }, now));
    await reEmbeddings.noteFailure(ids[0]!, 'AUDIO_UNSUPPORTED', now);
  });
  await write(async ({ speakers, receipts }) => {
    await speakers.insert(speaker('erased'));
    const { subject } = (await speakers.find('erased'))!;
    const erased = { enrollments: 0, profiles: 0, consents: 0, groups: 0, metadata: 0, jobRecordings: 0 };
    const more = { ledgerEntries: 0, waitingVerifications: 0, recordings: 0, conversations: 0, unknownVoices: 0 };
    const when = { erasedAt: now, wipedAt: null, wipes: true };
    await receipts.insert({ id: randomUUID(), subject, by: 'test', ...when, ...erased, ...more });
    await speakers.erase('erased');
  });
  const [bound] = await keys.groups(['home']);
  await keys.insert(newApiKey({ name: 'kiosk', scopes: ['read', 'enrol'], groups: [bound!] }, now).key);
  await keys.insertLocal(newApiKey({ name: 'local', scopes: ['admin'] }, now).key);
  return ids;
}

/** Of one byte, of what is not one piece, and one that two people have. */
function recordingsOf(ids: readonly string[]): { speakerId: string; audio: Buffer }[] {
  const speakerIds = [ids[0]!, ids[0]!, ids.at(-1)!];
  const long = Buffer.alloc(2.5 * PIECE_BYTES, 'a recording ');
  return [Buffer.from('a'), long, long].map((audio, i) => ({ speakerId: speakerIds[i]!, audio }));
}

async function addUnknownVoices({ unknownVoices }: VoiceRecords, speakerId: string, now: Date): Promise<void> {
  // The merged one refers to one with a higher id, which comes later.
  const ids = UNKNOWN_VOICE_STATES.map(() => randomUUID()).sort();
  ids.reverse();
  for (const [i, state] of UNKNOWN_VOICE_STATES.entries()) {
    const voice = { id: ids[i]!, state, createdAt: now, updatedAt: now, version: 1, origin: ORIGIN };
    const sums = { speechSeconds: 3.5 + i, shares: 1, firstHeardAt: new Date(7000), lastHeardAt: new Date(8000 + i) };
    const whose = {
      speakerId: state === 'named' ? speakerId : null,
      mergedInto: state === 'merged' ? ids[0]! : null,
      boundTo: null,
    };
    await unknownVoices.insert({ ...voice, ...sums, ...whose });
    await unknownVoices.addShare({
      id: randomUUID(),
      voiceId: voice.id,
      conversationId: null,
      label: 'B',
      heardAt: new Date(7000),
      ownSeconds: 3.5 + i,
      intervals: [{ start: 0.25, end: 2 / 3 }],
      origin: ORIGIN,
      embedding: Float32Array.from({ length: 192 }, (_, at) => Math.cos(at + i) / 3),
    });
    await unknownVoices.append({ voiceId: voice.id, action: 'kept', reason: 'ein Grund ☃', detail: { label: 'B' } });
  }
}

async function addPerson(
  records: VoiceRecords,
  id: string,
  i: number,
  groups: readonly ReturnType<typeof newGroup>[],
): Promise<void> {
  const base = speaker(id, 1000 + (i % 3));
  const metadata = { room: `${i}`, '10': 'ten', '9': 'nine', ...(i % 2 === 0 && { ключ: 'значение' }) };
  await records.speakers.insert({
    ...base,
    name: i % 4 === 3 ? null : `${NAMES[i % NAMES.length]} ${i}`,
    groups: groups.filter((_, g) => (i >> g) % 2 === 0),
    metadata,
  });
  await records.consents.add(id, {
    givenBy: id,
    method: 'web form',
    textVersion: '2026-01',
    givenAt: new Date(1500),
    recordedAt: new Date(2000 + i),
  });
  const taken = Array.from({ length: 1 + (i % 4) }, (_, n) =>
    enrollment(id, `${id} ${n}`, {
      embedding: Float32Array.from({ length: 192 }, (_, at) => Math.sin(at * (n + 1) + i) / 3),
      fileName: n === 0 ? null : `${n}.wav`,
      ...(n === 3 && { kind: 'learned' as const }),
    }),
  );
  for (const one of taken) await records.enrollments.insert(one);
  const inputs = taken.map((one) => ({
    enrollmentId: one.id,
    embedding: one.embedding,
    speechSeconds: one.measures.speechSeconds,
  }));
  const policy = { requiredSpeechSeconds: 20, outlierCosine: -1 };
  await records.profiles.put(buildProfile(id, ORIGIN, inputs, policy, new Date(3000)));
  await records.ledger.append({
    speakerId: id,
    action: 'learned',
    origin: ORIGIN,
    enrollmentId: taken[0]!.id,
    contentSha256: taken[0]!.contentSha256,
    detail: { evidence: { cosine: 0.1 + i / 7, llr: null, threshold: 0.5, falseAcceptRate: 1e-3 } },
  });
  await records.waiting.insert(
    {
      id: randomUUID(),
      speakerId: id,
      createdAt: new Date(4000 + i),
      origin: ORIGIN,
      embedding: taken[0]!.embedding,
      contentSha256: 'f'.repeat(64),
      measures: taken[0]!.measures,
      evidence: { cosine: 0.7, llr: 2.5, threshold: 0.5, falseAcceptRate: 1e-3 },
    },
    20,
  );
  await records.audit.record({ action: 'voice.verified', subject: base.subject, outcome: 'ACCEPT' });
  if (i % 5 === 4) await records.consents.withdraw(id, new Date(5000));
  await records.answers.insert(
    { key: `key of ${id}`, request: 'r', answer: '{"status":201}', speakerId: id, createdAt: new Date() },
    new Date(Date.now() - DAY),
  );
}

async function addWork(records: VoiceRecords, ids: readonly string[], now: Date): Promise<void> {
  const job = newJob(randomUUID(), 2, now);
  await records.jobs.insert(job, [
    { speakerId: ids[0]!, fileName: 'upload.wav', path: null },
    { speakerId: ids[0]!, fileName: null, path: '/recordings/a.wav' },
  ]);
  const done = newJob(randomUUID(), 1, now);
  await records.jobs.insert(done, [{ speakerId: ids[0]!, fileName: 'b.wav', path: null }]);
  await records.jobs.settle({ jobId: done.id, index: 0 }, { error: { code: 'NO_SPEECH', message: 'silence' } }, 1, now);
  await records.jobs.update({ ...done, state: 'failed', failed: 1, lastEvent: 2, finishedAt: now });
  const base = {
    createdAt: now,
    finishedAt: null,
    jobId: job.id,
    fileName: 'meeting.wav',
    boundTo: null,
    findings: null,
    people: [],
    kept: [],
    error: null,
  };
  const asked = { ...base, question: { naming: { candidates: true } } };
  await records.conversations.insert({ ...asked, id: randomUUID(), state: 'waiting' }, ids.slice(0, 2));
  const id = randomUUID();
  await records.conversations.insert({ ...asked, id, state: 'waiting' }, []);
  const findings = { seconds: 9.5, turns: [], model: ORIGIN.model, segmentation: 's', speakers: [], naming: null };
  const near = {
    label: 'A',
    speakerId: ids[0]!,
    named: true,
    cosine: 1 / 3,
    llr: null,
    probability: 0.25,
    margin: null,
  };
  await records.conversations.finish(
    id,
    { state: 'done', findings: findings as unknown as ConversationFindings, people: [near] },
    now,
  );
  await records.webhooks.announce('webhook.test', { a: 'ü' }, now);
  await records.notes.write('heartbeat', 'yesterday');
}
