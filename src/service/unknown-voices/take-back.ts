import { randomUUID } from 'node:crypto';
import { TimbreError } from '../../errors/timbre-error.js';
import type { ProfileKeeper } from '../enrollments/profile-keeper.js';
import type { VoiceRecords } from '../records/unit-of-work.js';
import { requireOpen, sumsOf, voiceStepNotFound, type UnknownVoice, type VoiceStep } from '../records/unknown-voice.js';

/** What is there after a step was taken back. */
export interface TakenBack {
  /** Null where nothing is left of the voice. */
  id: string | null;
  /** Another voice that has something again. */
  otherId: string | null;
}

/**
 * Takes a step about a voice back, within a transaction. Errors: LEDGER_ENTRY_NOT_FOUND, LEDGER_ENTRY_UNDONE, LEDGER_ENTRY_FINAL,
 * UNKNOWN_VOICE_SETTLED, MODEL_NOT_READY, CONFLICT.
 */
export async function takeBack(
  records: VoiceRecords,
  voice: UnknownVoice,
  stepId: string,
  keeper: ProfileKeeper,
): Promise<TakenBack> {
  const { id } = voice;
  const step = await records.unknownVoices.findStep(id, stepId);
  if (!step) throw voiceStepNotFound(id, stepId);
  if (step.undoneAt) throw new TimbreError('LEDGER_ENTRY_UNDONE', 'the step was undone before');
  const now = new Date();
  const { unknownVoices } = records;
  switch (step.action) {
    case 'kept':
      throw new TimbreError(
        'LEDGER_ENTRY_FINAL',
        'that the voice was kept is not undone here: delete the voice instead',
      );
    case 'dismissed':
      await unknownVoices.update({ ...voice, state: 'open', updatedAt: now });
      break;
    case 'blocked':
      // There is nothing but the block; without it there is no voice.
      await unknownVoices.delete(id);
      return { id: null, otherId: null };
    case 'named':
      await unname(records, step, keeper);
      await unknownVoices.update({ ...voice, state: 'open', speakerId: null, updatedAt: now });
      break;
    case 'joined': {
      const otherId = await partAgain(records, voice, step, now);
      await unknownVoices.undone(step, now);
      return { id, otherId };
    }
    default: {
      const left = await giveBack(records, step, now);
      await unknownVoices.undone(step, now);
      return { id: left.includes(id) ? id : left[0]!, otherId: left.find((one) => one !== id) ?? null };
    }
  }
  await unknownVoices.undone(step, now);
  return { id, otherId: null };
}

/** What was joined by evidence becomes a voice of its own, which starts anew. */
async function partAgain(
  { unknownVoices }: VoiceRecords,
  voice: UnknownVoice,
  { detail }: VoiceStep,
  now: Date,
): Promise<string> {
  requireOpen(voice);
  const all = await unknownVoices.shares(voice.id);
  const [share] = all.filter(({ id }) => detail.shares?.includes(id));
  if (!share) throw gone();
  const rest = all.filter((one) => one !== share);
  if (rest.length === 0) throw nothingElse();
  const made = { ...voice, ...sumsOf([share]), id: randomUUID(), createdAt: now, updatedAt: now, version: 1 };
  await unknownVoices.insert(made);
  await unknownVoices.move([share.id], voice.id, made.id);
  await unknownVoices.update({ ...voice, ...sumsOf(rest), updatedAt: now });
  const { conversationId, label } = share;
  const first = { ...(conversationId !== null && { conversationId }), label, shares: [share.id] };
  await unknownVoices.append({ voiceId: made.id, action: 'kept', detail: first });
  return made.id;
}

/**
 * Shares go back to the voice that they were taken from by a merge, a split or a reassignment. Gives the voices that have
 * some then.
 */
async function giveBack({ unknownVoices }: VoiceRecords, step: VoiceStep, now: Date): Promise<string[]> {
  const merged = step.action === 'merged';
  const [one, other] = [await unknownVoices.find(step.voiceId), await unknownVoices.find(step.otherId ?? '')];
  if (!one || !other) throw gone();
  const [has, had] = merged ? [one, other] : [other, one];
  requireOpen(has);
  if (!merged) requireOpen(had);
  else if (had.mergedInto !== has.id) throw gone();
  const back = await unknownVoices.move(step.detail.shares ?? [], has.id, had.id);
  if (back.length === 0) throw gone();
  const rest = await unknownVoices.shares(has.id);
  const own = sumsOf(await unknownVoices.shares(had.id));
  await unknownVoices.update({ ...had, ...own, updatedAt: now, state: 'open', mergedInto: null });
  if (rest.length > 0) {
    await unknownVoices.update({ ...has, ...sumsOf(rest), updatedAt: now });
    return [has.id, had.id];
  }
  // Of a split, the voice that it made; otherwise the step is in the ledger of a voice that would be empty.
  if (step.action !== 'split') throw nothingElse();
  await unknownVoices.delete(has.id);
  return [had.id];
}

/** Recordings that the naming made are deleted; the speaker stays, and so does a consent. */
async function unname(records: VoiceRecords, { detail }: VoiceStep, keeper: ProfileKeeper): Promise<void> {
  const [speaker] = await records.speakers.bySubject([detail.subject ?? '']);
  if (!speaker) throw gone();
  const { id: speakerId, subject } = speaker;
  let now = speaker;
  for (const enrollmentId of detail.enrollments ?? []) {
    const recording = await records.enrollments.find(speakerId, enrollmentId);
    if (!recording) continue;
    const { origin, contentSha256 } = recording;
    await records.enrollments.delete(speakerId, enrollmentId);
    await records.ledger.append({ speakerId, action: 'deleted', origin, enrollmentId, contentSha256 });
    await records.audit.record({ action: 'enrollment.deleted', subject, object: enrollmentId });
    ({ speaker: now } = await keeper.renew(records, now, origin));
  }
}

function gone(): TimbreError {
  return new TimbreError(
    'LEDGER_ENTRY_FINAL',
    'what the step was made of is not there any more: it went to another voice, or its conversation was removed',
  );
}

function nothingElse(): TimbreError {
  return new TimbreError('LEDGER_ENTRY_FINAL', 'nothing else is left of the voice: it is what the step brought');
}
