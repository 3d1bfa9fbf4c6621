import { currentActor, type Actor } from '../../support/actor.js';

/** Everything that is recorded. A name once used keeps its meaning. */
export const AUDIT_ACTIONS = [
  'speaker.created',
  'speaker.renamed',
  'speaker.described',
  'speaker.erased',
  'speaker.erasure-announced',
  'speaker.exported',
  'vectors.exported',
  'group.created',
  'group.renamed',
  'group.deleted',
  'group.joined',
  'group.left',
  'consent.given',
  'consent.withdrawn',
  'consent.lifted',
  'enrollment.added',
  'enrollment.deleted',
  'enrollment.refused',
  'enrollments.compared',
  'recording.kept',
  'recording.exported',
  'recordings.removed',
  'keeping.set',
  'profile.re-embedded',
  're-embedding.started',
  're-embedding.cancelled',
  're-embedding.finished',
  'profile.learned',
  'profile.undone',
  'profile.frozen',
  'profile.unfrozen',
  'learning.set',
  'watch.set',
  'watch.ended',
  'watch.matched',
  'speaker.merged',
  'speaker.split',
  'voice.verified',
  'voice.identified',
  'voice.named',
  'key.created',
  'key.revoked',
  'session.opened',
  'session.ended',
  'job.created',
  'job.cancelled',
  'job.removed',
  'webhook.created',
  'webhook.removed',
  'calibration.saved',
  'calibration.used',
  'calibration.ended',
  'calibration.removed',
  'conversation.created',
  'conversation.erased',
  'unknown-voice.kept',
  'unknown-voice.joined',
  'unknown-voice.named',
  'unknown-voice.merged',
  'unknown-voice.split',
  'unknown-voice.reassigned',
  'unknown-voice.dismissed',
  'unknown-voice.blocked',
  'unknown-voice.deleted',
  'unknown-voice.undone',
  'data-key.rotated',
  'data.restore-acknowledged',
  'data.node-joined',
  'data.moved',
  'audit.trimmed',
  'retention.confirmed',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** What is to be recorded: no audio, no vector, no name, and no id that a caller chose. */
export interface AuditEvent {
  action: AuditAction;
  /** `Speaker.subject` of whom it was done to; left out where it concerns nobody. */
  subject?: string | null;
  /** Opaque id of what else it was done to: an enrolment, a group, a key, a job; the version of a calibration. */
  object?: string | null;
  /** `OK`, a decision, or an error's code. Default: OK. */
  outcome?: string;
}

/** One line of the audit trail. */
export interface AuditEntry {
  /** Counts up without ever repeating. */
  id: number;
  at: Date;
  by: string;
  action: AuditAction;
  subject: string | null;
  object: string | null;
  outcome: string;
  requestId: string | null;
}

export type NewAuditEntry = Omit<AuditEntry, 'id'>;

/** Whose it is and when is the moment's. */
export function newAuditEntry(
  { action, subject = null, object = null, outcome = 'OK' }: AuditEvent,
  at = new Date(),
  { by, requestId }: Actor = currentActor(),
): NewAuditEntry {
  return { at, by, action, subject, object, outcome, requestId };
}
