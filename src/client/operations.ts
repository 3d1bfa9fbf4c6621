// Generated from docs/openapi.json by scripts/generate-client.mjs.
import type { Answer, Arguments, OperationId, OperationRow } from './types.js';

/** Every call of the service: where it is, and how its answer is read. */
export const OPERATIONS: Readonly<Record<OperationId, OperationRow>> = {
  getMetrics: { method: 'GET', path: '/metrics', query: [], headers: [], answer: 'text' },
  getLive: { method: 'GET', path: '/health/live', query: [], headers: [], answer: 'json' },
  getReady: { method: 'GET', path: '/health/ready', query: [], headers: [], answer: 'json' },
  getInfo: { method: 'GET', path: '/v1/info', query: [], headers: [], answer: 'json' },
  createEmbeddings: { method: 'POST', path: '/v1/embeddings', query: [], headers: [], answer: 'json' },
  compareRecordings: { method: 'POST', path: '/v1/compare', query: [], headers: [], answer: 'json' },
  createConversation: {
    method: 'POST',
    path: '/v1/conversations',
    query: [],
    headers: ['Prefer', 'Idempotency-Key'],
    answer: 'json',
  },
  listConversations: {
    method: 'GET',
    path: '/v1/conversations',
    query: ['limit', 'cursor'],
    headers: [],
    answer: 'json',
  },
  getConversation: { method: 'GET', path: '/v1/conversations/{id}', query: [], headers: [], answer: 'json' },
  removeConversation: { method: 'DELETE', path: '/v1/conversations/{id}', query: [], headers: [], answer: 'none' },
  listUnknownVoices: {
    method: 'GET',
    path: '/v1/unknown-voices',
    query: ['limit', 'cursor', 'state'],
    headers: [],
    answer: 'json',
  },
  getUnknownVoice: { method: 'GET', path: '/v1/unknown-voices/{id}', query: [], headers: [], answer: 'json' },
  deleteUnknownVoice: { method: 'DELETE', path: '/v1/unknown-voices/{id}', query: [], headers: [], answer: 'none' },
  nameUnknownVoice: { method: 'POST', path: '/v1/unknown-voices/{id}/name', query: [], headers: [], answer: 'json' },
  mergeUnknownVoices: { method: 'POST', path: '/v1/unknown-voices/{id}/merge', query: [], headers: [], answer: 'json' },
  splitUnknownVoice: { method: 'POST', path: '/v1/unknown-voices/{id}/split', query: [], headers: [], answer: 'json' },
  reassignUnknownVoice: {
    method: 'POST',
    path: '/v1/unknown-voices/{id}/reassign',
    query: [],
    headers: [],
    answer: 'json',
  },
  dismissUnknownVoice: {
    method: 'POST',
    path: '/v1/unknown-voices/{id}/dismiss',
    query: [],
    headers: [],
    answer: 'json',
  },
  blockUnknownVoice: { method: 'POST', path: '/v1/unknown-voices/{id}/block', query: [], headers: [], answer: 'json' },
  listVoiceLedger: {
    method: 'GET',
    path: '/v1/unknown-voices/{id}/ledger',
    query: ['limit', 'cursor'],
    headers: [],
    answer: 'json',
  },
  undoVoiceStep: {
    method: 'POST',
    path: '/v1/unknown-voices/{id}/ledger/{entryId}/undo',
    query: [],
    headers: [],
    answer: 'json',
  },
  listSamples: { method: 'GET', path: '/v1/samples', query: [], headers: [], answer: 'json' },
  getSample: { method: 'GET', path: '/v1/samples/{name}', query: [], headers: [], answer: 'stream' },
  listAudit: {
    method: 'GET',
    path: '/v1/audit',
    query: ['speaker', 'subject', 'from', 'to', 'limit', 'cursor'],
    headers: [],
    answer: 'json',
  },
  exportAudit: {
    method: 'GET',
    path: '/v1/audit/export',
    query: ['speaker', 'subject', 'from', 'to'],
    headers: [],
    answer: 'stream',
  },
  getConsent: { method: 'GET', path: '/v1/speakers/{id}/consent', query: [], headers: [], answer: 'json' },
  giveConsent: { method: 'PUT', path: '/v1/speakers/{id}/consent', query: [], headers: [], answer: 'json' },
  withdrawConsent: { method: 'DELETE', path: '/v1/speakers/{id}/consent', query: [], headers: [], answer: 'json' },
  listConsents: {
    method: 'GET',
    path: '/v1/speakers/{id}/consent/history',
    query: ['limit', 'cursor'],
    headers: [],
    answer: 'json',
  },
  getAccess: { method: 'GET', path: '/v1/access', query: [], headers: [], answer: 'json' },
  createSignInLink: { method: 'POST', path: '/v1/sign-in/links', query: [], headers: [], answer: 'json' },
  signIn: { method: 'POST', path: '/v1/sign-in', query: [], headers: ['x-sign-in-code'], answer: 'json' },
  signOut: { method: 'DELETE', path: '/v1/sign-in', query: [], headers: [], answer: 'none' },
  listKeys: { method: 'GET', path: '/v1/keys', query: [], headers: [], answer: 'json' },
  createKey: { method: 'POST', path: '/v1/keys', query: [], headers: [], answer: 'json' },
  revokeKey: { method: 'DELETE', path: '/v1/keys/{id}', query: [], headers: [], answer: 'none' },
  createSpeaker: { method: 'POST', path: '/v1/speakers', query: [], headers: [], answer: 'json' },
  listSpeakers: {
    method: 'GET',
    path: '/v1/speakers',
    query: ['limit', 'cursor', 'group', 'id', 'name', 'metadata'],
    headers: [],
    answer: 'json',
  },
  getSpeaker: { method: 'GET', path: '/v1/speakers/{id}', query: [], headers: [], answer: 'json' },
  updateSpeaker: { method: 'PATCH', path: '/v1/speakers/{id}', query: [], headers: [], answer: 'json' },
  putSpeaker: { method: 'PUT', path: '/v1/speakers/{id}', query: [], headers: [], answer: 'json' },
  eraseSpeaker: { method: 'DELETE', path: '/v1/speakers/{id}', query: [], headers: [], answer: 'json' },
  checkReceipt: { method: 'GET', path: '/v1/receipts/{id}', query: [], headers: [], answer: 'json' },
  createGroup: { method: 'POST', path: '/v1/groups', query: [], headers: [], answer: 'json' },
  listGroups: { method: 'GET', path: '/v1/groups', query: ['limit', 'cursor'], headers: [], answer: 'json' },
  getGroup: { method: 'GET', path: '/v1/groups/{id}', query: [], headers: [], answer: 'json' },
  updateGroup: { method: 'PATCH', path: '/v1/groups/{id}', query: [], headers: [], answer: 'json' },
  deleteGroup: { method: 'DELETE', path: '/v1/groups/{id}', query: [], headers: [], answer: 'none' },
  joinGroup: { method: 'PUT', path: '/v1/groups/{id}/members/{speakerId}', query: [], headers: [], answer: 'none' },
  leaveGroup: { method: 'DELETE', path: '/v1/groups/{id}/members/{speakerId}', query: [], headers: [], answer: 'none' },
  getWatch: { method: 'GET', path: '/v1/groups/{id}/watch', query: [], headers: [], answer: 'json' },
  setWatch: { method: 'PUT', path: '/v1/groups/{id}/watch', query: [], headers: [], answer: 'json' },
  endWatch: { method: 'DELETE', path: '/v1/groups/{id}/watch', query: [], headers: [], answer: 'none' },
  enrol: {
    method: 'POST',
    path: '/v1/speakers/{id}/enrollments',
    query: [],
    headers: ['Idempotency-Key'],
    answer: 'json',
  },
  listEnrollments: {
    method: 'GET',
    path: '/v1/speakers/{id}/enrollments',
    query: ['limit', 'cursor'],
    headers: [],
    answer: 'json',
  },
  importVectors: { method: 'POST', path: '/v1/speakers/{id}/vectors', query: [], headers: [], answer: 'json' },
  getEnrollment: {
    method: 'GET',
    path: '/v1/speakers/{id}/enrollments/{enrollmentId}',
    query: [],
    headers: [],
    answer: 'json',
  },
  deleteEnrollment: {
    method: 'DELETE',
    path: '/v1/speakers/{id}/enrollments/{enrollmentId}',
    query: [],
    headers: [],
    answer: 'none',
  },
  getProfile: {
    method: 'GET',
    path: '/v1/speakers/{id}/profile',
    query: ['health', 'embedding'],
    headers: [],
    answer: 'json',
  },
  verifySpeaker: { method: 'POST', path: '/v1/speakers/{id}/verify', query: [], headers: [], answer: 'json' },
  identifySpeaker: { method: 'POST', path: '/v1/identify', query: [], headers: [], answer: 'json' },
  listLedger: {
    method: 'GET',
    path: '/v1/speakers/{id}/ledger',
    query: ['limit', 'cursor'],
    headers: [],
    answer: 'json',
  },
  undoSince: { method: 'POST', path: '/v1/speakers/{id}/ledger/undo', query: [], headers: [], answer: 'json' },
  undoEntry: {
    method: 'POST',
    path: '/v1/speakers/{id}/ledger/{entryId}/undo',
    query: [],
    headers: [],
    answer: 'json',
  },
  getLearning: { method: 'GET', path: '/v1/speakers/{id}/learning', query: [], headers: [], answer: 'json' },
  setLearning: { method: 'PUT', path: '/v1/speakers/{id}/learning', query: [], headers: [], answer: 'json' },
  mergeSpeakers: { method: 'POST', path: '/v1/speakers/{id}/merge', query: [], headers: [], answer: 'json' },
  splitSpeaker: { method: 'POST', path: '/v1/speakers/{id}/split', query: [], headers: [], answer: 'json' },
  getGroupLearning: { method: 'GET', path: '/v1/groups/{id}/learning', query: [], headers: [], answer: 'json' },
  setGroupLearning: { method: 'PUT', path: '/v1/groups/{id}/learning', query: [], headers: [], answer: 'json' },
  confirmVerification: {
    method: 'POST',
    path: '/v1/verifications/{id}/confirm',
    query: [],
    headers: [],
    answer: 'json',
  },
  listDuplicates: {
    method: 'GET',
    path: '/v1/duplicates',
    query: ['limit', 'cursor', 'group', 'falseAcceptRate'],
    headers: [],
    answer: 'json',
  },
  listRecordings: {
    method: 'GET',
    path: '/v1/speakers/{id}/recordings',
    query: ['limit', 'cursor'],
    headers: [],
    answer: 'json',
  },
  removeRecordings: { method: 'DELETE', path: '/v1/speakers/{id}/recordings', query: [], headers: [], answer: 'json' },
  getRecording: {
    method: 'GET',
    path: '/v1/speakers/{id}/enrollments/{enrollmentId}/audio',
    query: [],
    headers: [],
    answer: 'stream',
  },
  getGroupKeeping: { method: 'GET', path: '/v1/groups/{id}/keeping', query: [], headers: [], answer: 'json' },
  setGroupKeeping: { method: 'PUT', path: '/v1/groups/{id}/keeping', query: [], headers: [], answer: 'json' },
  startReEmbedding: { method: 'POST', path: '/v1/models/current/re-embed', query: [], headers: [], answer: 'json' },
  getReEmbedding: { method: 'GET', path: '/v1/models/current/re-embed', query: [], headers: [], answer: 'json' },
  listReEmbeddingPeople: {
    method: 'GET',
    path: '/v1/models/current/re-embed/people',
    query: ['limit', 'cursor'],
    headers: [],
    answer: 'json',
  },
  cancelReEmbedding: {
    method: 'POST',
    path: '/v1/models/current/re-embed/cancel',
    query: [],
    headers: [],
    answer: 'json',
  },
  exportSpeaker: { method: 'GET', path: '/v1/speakers/{id}/export', query: ['vectors'], headers: [], answer: 'json' },
  getRetention: { method: 'GET', path: '/v1/retention', query: [], headers: [], answer: 'json' },
  confirmClock: { method: 'POST', path: '/v1/retention/confirm', query: [], headers: [], answer: 'json' },
  getDataKeyRotation: { method: 'GET', path: '/v1/data-key/rotation', query: [], headers: [], answer: 'json' },
  rotateDataKey: { method: 'POST', path: '/v1/data-key/rotation', query: [], headers: [], answer: 'json' },
  createTrainingSession: {
    method: 'POST',
    path: '/v1/training-sessions',
    query: [],
    headers: ['Idempotency-Key'],
    answer: 'json',
  },
  listJobs: { method: 'GET', path: '/v1/jobs', query: ['limit', 'cursor'], headers: [], answer: 'json' },
  getJob: { method: 'GET', path: '/v1/jobs/{id}', query: ['limit', 'cursor', 'state'], headers: [], answer: 'json' },
  removeJob: { method: 'DELETE', path: '/v1/jobs/{id}', query: [], headers: [], answer: 'none' },
  cancelJob: { method: 'POST', path: '/v1/jobs/{id}/cancel', query: [], headers: [], answer: 'json' },
  followJob: { method: 'GET', path: '/v1/jobs/{id}/events', query: [], headers: ['Last-Event-ID'], answer: 'stream' },
  createWebhook: { method: 'POST', path: '/v1/webhooks', query: [], headers: [], answer: 'json' },
  listWebhooks: { method: 'GET', path: '/v1/webhooks', query: [], headers: [], answer: 'json' },
  getWebhook: { method: 'GET', path: '/v1/webhooks/{id}', query: [], headers: [], answer: 'json' },
  deleteWebhook: { method: 'DELETE', path: '/v1/webhooks/{id}', query: [], headers: [], answer: 'none' },
  testWebhook: { method: 'POST', path: '/v1/webhooks/{id}/test', query: [], headers: [], answer: 'none' },
  listWebhookDeliveries: {
    method: 'GET',
    path: '/v1/webhooks/{id}/deliveries',
    query: ['limit', 'cursor'],
    headers: [],
    answer: 'json',
  },
  listCalibrations: {
    method: 'GET',
    path: '/v1/calibrations',
    query: ['limit', 'cursor'],
    headers: [],
    answer: 'json',
  },
  saveCalibration: { method: 'POST', path: '/v1/calibrations', query: [], headers: [], answer: 'json' },
  getEnrolledTrials: {
    method: 'GET',
    path: '/v1/calibrations/trials',
    query: ['recordings'],
    headers: [],
    answer: 'json',
  },
  getCalibration: { method: 'GET', path: '/v1/calibrations/{version}', query: [], headers: [], answer: 'json' },
  deleteCalibration: { method: 'DELETE', path: '/v1/calibrations/{version}', query: [], headers: [], answer: 'none' },
  useModelCalibration: {
    method: 'POST',
    path: '/v1/calibrations/model/use',
    query: ['model'],
    headers: [],
    answer: 'json',
  },
  useCalibration: { method: 'POST', path: '/v1/calibrations/{version}/use', query: [], headers: [], answer: 'json' },
};

/** A method for every call of the service, by the name that the call has in its OpenAPI document. */
export abstract class Operations {
  abstract call<Id extends OperationId>(operation: Id, ...given: Arguments<Id>): Promise<Answer<Id>>;

  /** Metrics for Prometheus `GET /metrics` */
  getMetrics(...given: Arguments<'getMetrics'>): Promise<Answer<'getMetrics'>> {
    return this.call('getMetrics', ...given);
  }

  /** Is the process alive? `GET /health/live` */
  getLive(...given: Arguments<'getLive'>): Promise<Answer<'getLive'>> {
    return this.call('getLive', ...given);
  }

  /** Can it take requests? `GET /health/ready` */
  getReady(...given: Arguments<'getReady'>): Promise<Answer<'getReady'>> {
    return this.call('getReady', ...given);
  }

  /** What runs here, and within which limits `GET /v1/info` */
  getInfo(...given: Arguments<'getInfo'>): Promise<Answer<'getInfo'>> {
    return this.call('getInfo', ...given);
  }

  /** Embeddings of one or more recordings `POST /v1/embeddings` */
  createEmbeddings(...given: Arguments<'createEmbeddings'>): Promise<Answer<'createEmbeddings'>> {
    return this.call('createEmbeddings', ...given);
  }

  /** Are two recordings of the same speaker? `POST /v1/compare` */
  compareRecordings(...given: Arguments<'compareRecordings'>): Promise<Answer<'compareRecordings'>> {
    return this.call('compareRecordings', ...given);
  }

  /** Who speaks when in a recording with several voices `POST /v1/conversations` */
  createConversation(...given: Arguments<'createConversation'>): Promise<Answer<'createConversation'>> {
    return this.call('createConversation', ...given);
  }

  /** List conversations, newest first `GET /v1/conversations` */
  listConversations(...given: Arguments<'listConversations'>): Promise<Answer<'listConversations'>> {
    return this.call('listConversations', ...given);
  }

  /** A conversation, with its turns once it is done `GET /v1/conversations/{id}` */
  getConversation(...given: Arguments<'getConversation'>): Promise<Answer<'getConversation'>> {
    return this.call('getConversation', ...given);
  }

  /** Erase a conversation `DELETE /v1/conversations/{id}` */
  removeConversation(...given: Arguments<'removeConversation'>): Promise<Answer<'removeConversation'>> {
    return this.call('removeConversation', ...given);
  }

  /** Voices of conversations that got no name, most speech first `GET /v1/unknown-voices` */
  listUnknownVoices(...given: Arguments<'listUnknownVoices'>): Promise<Answer<'listUnknownVoices'>> {
    return this.call('listUnknownVoices', ...given);
  }

  /** An unknown voice, and where it was heard `GET /v1/unknown-voices/{id}` */
  getUnknownVoice(...given: Arguments<'getUnknownVoice'>): Promise<Answer<'getUnknownVoice'>> {
    return this.call('getUnknownVoice', ...given);
  }

  /** Delete an unknown voice for good `DELETE /v1/unknown-voices/{id}` */
  deleteUnknownVoice(...given: Arguments<'deleteUnknownVoice'>): Promise<Answer<'deleteUnknownVoice'>> {
    return this.call('deleteUnknownVoice', ...given);
  }

  /** Say whose voice it is `POST /v1/unknown-voices/{id}/name` */
  nameUnknownVoice(...given: Arguments<'nameUnknownVoice'>): Promise<Answer<'nameUnknownVoice'>> {
    return this.call('nameUnknownVoice', ...given);
  }

  /** Take over another unknown voice that is the same person `POST /v1/unknown-voices/{id}/merge` */
  mergeUnknownVoices(...given: Arguments<'mergeUnknownVoices'>): Promise<Answer<'mergeUnknownVoices'>> {
    return this.call('mergeUnknownVoices', ...given);
  }

  /** Make a voice of its own of some conversations, in which it is another person `POST /v1/unknown-voices/{id}/split` */
  splitUnknownVoice(...given: Arguments<'splitUnknownVoice'>): Promise<Answer<'splitUnknownVoice'>> {
    return this.call('splitUnknownVoice', ...given);
  }

  /** Give the voice of a conversation to another unknown voice `POST /v1/unknown-voices/{id}/reassign` */
  reassignUnknownVoice(...given: Arguments<'reassignUnknownVoice'>): Promise<Answer<'reassignUnknownVoice'>> {
    return this.call('reassignUnknownVoice', ...given);
  }

  /** Say that it is no voice `POST /v1/unknown-voices/{id}/dismiss` */
  dismissUnknownVoice(...given: Arguments<'dismissUnknownVoice'>): Promise<Answer<'dismissUnknownVoice'>> {
    return this.call('dismissUnknownVoice', ...given);
  }

  /** Never keep this voice again `POST /v1/unknown-voices/{id}/block` */
  blockUnknownVoice(...given: Arguments<'blockUnknownVoice'>): Promise<Answer<'blockUnknownVoice'>> {
    return this.call('blockUnknownVoice', ...given);
  }

  /** Every step about the voice, newest first `GET /v1/unknown-voices/{id}/ledger` */
  listVoiceLedger(...given: Arguments<'listVoiceLedger'>): Promise<Answer<'listVoiceLedger'>> {
    return this.call('listVoiceLedger', ...given);
  }

  /** Undo one step about the voice `POST /v1/unknown-voices/{id}/ledger/{entryId}/undo` */
  undoVoiceStep(...given: Arguments<'undoVoiceStep'>): Promise<Answer<'undoVoiceStep'>> {
    return this.call('undoVoiceStep', ...given);
  }

  /** Recordings of synthetic voices to try the service on `GET /v1/samples` */
  listSamples(...given: Arguments<'listSamples'>): Promise<Answer<'listSamples'>> {
    return this.call('listSamples', ...given);
  }

  /** One of them `GET /v1/samples/{name}` */
  getSample(...given: Arguments<'getSample'>): Promise<Answer<'getSample'>> {
    return this.call('getSample', ...given);
  }

  /** Who did what to whom, oldest first `GET /v1/audit` */
  listAudit(...given: Arguments<'listAudit'>): Promise<Answer<'listAudit'>> {
    return this.call('listAudit', ...given);
  }

  /** The same as one document, an entry a line `GET /v1/audit/export` */
  exportAudit(...given: Arguments<'exportAudit'>): Promise<Answer<'exportAudit'>> {
    return this.call('exportAudit', ...given);
  }

  /** The speaker's consent `GET /v1/speakers/{id}/consent` */
  getConsent(...given: Arguments<'getConsent'>): Promise<Answer<'getConsent'>> {
    return this.call('getConsent', ...given);
  }

  /** Record the speaker's consent `PUT /v1/speakers/{id}/consent` */
  giveConsent(...given: Arguments<'giveConsent'>): Promise<Answer<'giveConsent'>> {
    return this.call('giveConsent', ...given);
  }

  /** Withdraw the speaker's consent: opt out `DELETE /v1/speakers/{id}/consent` */
  withdrawConsent(...given: Arguments<'withdrawConsent'>): Promise<Answer<'withdrawConsent'>> {
    return this.call('withdrawConsent', ...given);
  }

  /** Every consent of the speaker, oldest first `GET /v1/speakers/{id}/consent/history` */
  listConsents(...given: Arguments<'listConsents'>): Promise<Answer<'listConsents'>> {
    return this.call('listConsents', ...given);
  }

  /** What the key of the call may do `GET /v1/access` */
  getAccess(...given: Arguments<'getAccess'>): Promise<Answer<'getAccess'>> {
    return this.call('getAccess', ...given);
  }

  /** A link that signs in once `POST /v1/sign-in/links` */
  createSignInLink(...given: Arguments<'createSignInLink'>): Promise<Answer<'createSignInLink'>> {
    return this.call('createSignInLink', ...given);
  }

  /** Exchange a sign-in link's code for a key `POST /v1/sign-in` */
  signIn(...given: Arguments<'signIn'>): Promise<Answer<'signIn'>> {
    return this.call('signIn', ...given);
  }

  /** End the session of the key that the call brings `DELETE /v1/sign-in` */
  signOut(...given: Arguments<'signOut'>): Promise<Answer<'signOut'>> {
    return this.call('signOut', ...given);
  }

  /** List API keys, oldest first `GET /v1/keys` */
  listKeys(...given: Arguments<'listKeys'>): Promise<Answer<'listKeys'>> {
    return this.call('listKeys', ...given);
  }

  /** Make an API key `POST /v1/keys` */
  createKey(...given: Arguments<'createKey'>): Promise<Answer<'createKey'>> {
    return this.call('createKey', ...given);
  }

  /** Revoke an API key `DELETE /v1/keys/{id}` */
  revokeKey(...given: Arguments<'revokeKey'>): Promise<Answer<'revokeKey'>> {
    return this.call('revokeKey', ...given);
  }

  /** Add a speaker `POST /v1/speakers` */
  createSpeaker(...given: Arguments<'createSpeaker'>): Promise<Answer<'createSpeaker'>> {
    return this.call('createSpeaker', ...given);
  }

  /** List speakers, oldest first, or search among them `GET /v1/speakers` */
  listSpeakers(...given: Arguments<'listSpeakers'>): Promise<Answer<'listSpeakers'>> {
    return this.call('listSpeakers', ...given);
  }

  /** A speaker and where the enrolment stands `GET /v1/speakers/{id}` */
  getSpeaker(...given: Arguments<'getSpeaker'>): Promise<Answer<'getSpeaker'>> {
    return this.call('getSpeaker', ...given);
  }

  /** Change the name, the groups or the metadata of a speaker `PATCH /v1/speakers/{id}` */
  updateSpeaker(...given: Arguments<'updateSpeaker'>): Promise<Answer<'updateSpeaker'>> {
    return this.call('updateSpeaker', ...given);
  }

  /** Add a speaker, or change the one who is there `PUT /v1/speakers/{id}` */
  putSpeaker(...given: Arguments<'putSpeaker'>): Promise<Answer<'putSpeaker'>> {
    return this.call('putSpeaker', ...given);
  }

  /** Erase a speaker for good `DELETE /v1/speakers/{id}` */
  eraseSpeaker(...given: Arguments<'eraseSpeaker'>): Promise<Answer<'eraseSpeaker'>> {
    return this.call('eraseSpeaker', ...given);
  }

  /** Check the receipt of an erasure `GET /v1/receipts/{id}` */
  checkReceipt(...given: Arguments<'checkReceipt'>): Promise<Answer<'checkReceipt'>> {
    return this.call('checkReceipt', ...given);
  }

  /** Add a group `POST /v1/groups` */
  createGroup(...given: Arguments<'createGroup'>): Promise<Answer<'createGroup'>> {
    return this.call('createGroup', ...given);
  }

  /** List groups, oldest first `GET /v1/groups` */
  listGroups(...given: Arguments<'listGroups'>): Promise<Answer<'listGroups'>> {
    return this.call('listGroups', ...given);
  }

  /** A group `GET /v1/groups/{id}` */
  getGroup(...given: Arguments<'getGroup'>): Promise<Answer<'getGroup'>> {
    return this.call('getGroup', ...given);
  }

  /** Rename a group `PATCH /v1/groups/{id}` */
  updateGroup(...given: Arguments<'updateGroup'>): Promise<Answer<'updateGroup'>> {
    return this.call('updateGroup', ...given);
  }

  /** Delete a group `DELETE /v1/groups/{id}` */
  deleteGroup(...given: Arguments<'deleteGroup'>): Promise<Answer<'deleteGroup'>> {
    return this.call('deleteGroup', ...given);
  }

  /** Add a speaker to a group `PUT /v1/groups/{id}/members/{speakerId}` */
  joinGroup(...given: Arguments<'joinGroup'>): Promise<Answer<'joinGroup'>> {
    return this.call('joinGroup', ...given);
  }

  /** Take a speaker out of a group `DELETE /v1/groups/{id}/members/{speakerId}` */
  leaveGroup(...given: Arguments<'leaveGroup'>): Promise<Answer<'leaveGroup'>> {
    return this.call('leaveGroup', ...given);
  }

  /** Whether the group is a watch list `GET /v1/groups/{id}/watch` */
  getWatch(...given: Arguments<'getWatch'>): Promise<Answer<'getWatch'>> {
    return this.call('getWatch', ...given);
  }

  /** Make a group a watch list `PUT /v1/groups/{id}/watch` */
  setWatch(...given: Arguments<'setWatch'>): Promise<Answer<'setWatch'>> {
    return this.call('setWatch', ...given);
  }

  /** Report the members of a group no more `DELETE /v1/groups/{id}/watch` */
  endWatch(...given: Arguments<'endWatch'>): Promise<Answer<'endWatch'>> {
    return this.call('endWatch', ...given);
  }

  /** Add recordings of the speaker `POST /v1/speakers/{id}/enrollments` */
  enrol(...given: Arguments<'enrol'>): Promise<Answer<'enrol'>> {
    return this.call('enrol', ...given);
  }

  /** The speaker's recordings, oldest first `GET /v1/speakers/{id}/enrollments` */
  listEnrollments(...given: Arguments<'listEnrollments'>): Promise<Answer<'listEnrollments'>> {
    return this.call('listEnrollments', ...given);
  }

  /** Bring voice vectors along that were made elsewhere with the loaded model `POST /v1/speakers/{id}/vectors` */
  importVectors(...given: Arguments<'importVectors'>): Promise<Answer<'importVectors'>> {
    return this.call('importVectors', ...given);
  }

  /** One recording `GET /v1/speakers/{id}/enrollments/{enrollmentId}` */
  getEnrollment(...given: Arguments<'getEnrollment'>): Promise<Answer<'getEnrollment'>> {
    return this.call('getEnrollment', ...given);
  }

  /** Delete one recording for good `DELETE /v1/speakers/{id}/enrollments/{enrollmentId}` */
  deleteEnrollment(...given: Arguments<'deleteEnrollment'>): Promise<Answer<'deleteEnrollment'>> {
    return this.call('deleteEnrollment', ...given);
  }

  /** The voice profile for the loaded model `GET /v1/speakers/{id}/profile` */
  getProfile(...given: Arguments<'getProfile'>): Promise<Answer<'getProfile'>> {
    return this.call('getProfile', ...given);
  }

  /** Is this the speaker? `POST /v1/speakers/{id}/verify` */
  verifySpeaker(...given: Arguments<'verifySpeaker'>): Promise<Answer<'verifySpeaker'>> {
    return this.call('verifySpeaker', ...given);
  }

  /** Whose voice is this? `POST /v1/identify` */
  identifySpeaker(...given: Arguments<'identifySpeaker'>): Promise<Answer<'identifySpeaker'>> {
    return this.call('identifySpeaker', ...given);
  }

  /** Every change of the speaker's profile, newest first `GET /v1/speakers/{id}/ledger` */
  listLedger(...given: Arguments<'listLedger'>): Promise<Answer<'listLedger'>> {
    return this.call('listLedger', ...given);
  }

  /** Undo all changes since a moment `POST /v1/speakers/{id}/ledger/undo` */
  undoSince(...given: Arguments<'undoSince'>): Promise<Answer<'undoSince'>> {
    return this.call('undoSince', ...given);
  }

  /** Undo one change `POST /v1/speakers/{id}/ledger/{entryId}/undo` */
  undoEntry(...given: Arguments<'undoEntry'>): Promise<Answer<'undoEntry'>> {
    return this.call('undoEntry', ...given);
  }

  /** Whether the profile learns `GET /v1/speakers/{id}/learning` */
  getLearning(...given: Arguments<'getLearning'>): Promise<Answer<'getLearning'>> {
    return this.call('getLearning', ...given);
  }

  /** Switch learning on or off, freeze the profile `PUT /v1/speakers/{id}/learning` */
  setLearning(...given: Arguments<'setLearning'>): Promise<Answer<'setLearning'>> {
    return this.call('setLearning', ...given);
  }

  /** Take over the recordings of another speaker who is the same person `POST /v1/speakers/{id}/merge` */
  mergeSpeakers(...given: Arguments<'mergeSpeakers'>): Promise<Answer<'mergeSpeakers'>> {
    return this.call('mergeSpeakers', ...given);
  }

  /** Give recordings to a new speaker, because they are another person `POST /v1/speakers/{id}/split` */
  splitSpeaker(...given: Arguments<'splitSpeaker'>): Promise<Answer<'splitSpeaker'>> {
    return this.call('splitSpeaker', ...given);
  }

  /** Whether profiles of the group learn `GET /v1/groups/{id}/learning` */
  getGroupLearning(...given: Arguments<'getGroupLearning'>): Promise<Answer<'getGroupLearning'>> {
    return this.call('getGroupLearning', ...given);
  }

  /** Switch learning on or off for the profiles of a group `PUT /v1/groups/{id}/learning` */
  setGroupLearning(...given: Arguments<'setGroupLearning'>): Promise<Answer<'setGroupLearning'>> {
    return this.call('setGroupLearning', ...given);
  }

  /** Say that a verified recording is the speaker's, so that the profile learns it `POST /v1/verifications/{id}/confirm` */
  confirmVerification(...given: Arguments<'confirmVerification'>): Promise<Answer<'confirmVerification'>> {
    return this.call('confirmVerification', ...given);
  }

  /** Speakers who may be one person `GET /v1/duplicates` */
  listDuplicates(...given: Arguments<'listDuplicates'>): Promise<Answer<'listDuplicates'>> {
    return this.call('listDuplicates', ...given);
  }

  /** Which of the speaker's recordings are kept as audio `GET /v1/speakers/{id}/recordings` */
  listRecordings(...given: Arguments<'listRecordings'>): Promise<Answer<'listRecordings'>> {
    return this.call('listRecordings', ...given);
  }

  /** Remove the audio that is kept of a speaker, for good `DELETE /v1/speakers/{id}/recordings` */
  removeRecordings(...given: Arguments<'removeRecordings'>): Promise<Answer<'removeRecordings'>> {
    return this.call('removeRecordings', ...given);
  }

  /** The recording of an enrolment, as it was uploaded `GET /v1/speakers/{id}/enrollments/{enrollmentId}/audio` */
  getRecording(...given: Arguments<'getRecording'>): Promise<Answer<'getRecording'>> {
    return this.call('getRecording', ...given);
  }

  /** Whether the audio of the group's enrolments is kept `GET /v1/groups/{id}/keeping` */
  getGroupKeeping(...given: Arguments<'getGroupKeeping'>): Promise<Answer<'getGroupKeeping'>> {
    return this.call('getGroupKeeping', ...given);
  }

  /** Switch keeping of audio on or off for the enrolments of a group `PUT /v1/groups/{id}/keeping` */
  setGroupKeeping(...given: Arguments<'setGroupKeeping'>): Promise<Answer<'setGroupKeeping'>> {
    return this.call('setGroupKeeping', ...given);
  }

  /** Embed all recordings that are kept by the model in use `POST /v1/models/current/re-embed` */
  startReEmbedding(...given: Arguments<'startReEmbedding'>): Promise<Answer<'startReEmbedding'>> {
    return this.call('startReEmbedding', ...given);
  }

  /** How far that is, and who is left `GET /v1/models/current/re-embed` */
  getReEmbedding(...given: Arguments<'getReEmbedding'>): Promise<Answer<'getReEmbedding'>> {
    return this.call('getReEmbedding', ...given);
  }

  /** Who has recordings that the model in use has not embedded, and why `GET /v1/models/current/re-embed/people` */
  listReEmbeddingPeople(...given: Arguments<'listReEmbeddingPeople'>): Promise<Answer<'listReEmbeddingPeople'>> {
    return this.call('listReEmbeddingPeople', ...given);
  }

  /** End the one that runs `POST /v1/models/current/re-embed/cancel` */
  cancelReEmbedding(...given: Arguments<'cancelReEmbedding'>): Promise<Answer<'cancelReEmbedding'>> {
    return this.call('cancelReEmbedding', ...given);
  }

  /** Everything that is stored about a speaker `GET /v1/speakers/{id}/export` */
  exportSpeaker(...given: Arguments<'exportSpeaker'>): Promise<Answer<'exportSpeaker'>> {
    return this.call('exportSpeaker', ...given);
  }

  /** Whether things go by age `GET /v1/retention` */
  getRetention(...given: Arguments<'getRetention'>): Promise<Answer<'getRetention'>> {
    return this.call('getRetention', ...given);
  }

  /** Confirm that the clock is right, after it has jumped `POST /v1/retention/confirm` */
  confirmClock(...given: Arguments<'confirmClock'>): Promise<Answer<'confirmClock'>> {
    return this.call('confirmClock', ...given);
  }

  /** Where the rotation of the data key stands `GET /v1/data-key/rotation` */
  getDataKeyRotation(...given: Arguments<'getDataKeyRotation'>): Promise<Answer<'getDataKeyRotation'>> {
    return this.call('getDataKeyRotation', ...given);
  }

  /** Re-encrypt all voice embeddings with a new data key `POST /v1/data-key/rotation` */
  rotateDataKey(...given: Arguments<'rotateDataKey'>): Promise<Answer<'rotateDataKey'>> {
    return this.call('rotateDataKey', ...given);
  }

  /** Enrol many recordings of many speakers as one job `POST /v1/training-sessions` */
  createTrainingSession(...given: Arguments<'createTrainingSession'>): Promise<Answer<'createTrainingSession'>> {
    return this.call('createTrainingSession', ...given);
  }

  /** List jobs, newest first `GET /v1/jobs` */
  listJobs(...given: Arguments<'listJobs'>): Promise<Answer<'listJobs'>> {
    return this.call('listJobs', ...given);
  }

  /** How far a job is, and what came of its recordings `GET /v1/jobs/{id}` */
  getJob(...given: Arguments<'getJob'>): Promise<Answer<'getJob'>> {
    return this.call('getJob', ...given);
  }

  /** Remove a finished job with its results `DELETE /v1/jobs/{id}` */
  removeJob(...given: Arguments<'removeJob'>): Promise<Answer<'removeJob'>> {
    return this.call('removeJob', ...given);
  }

  /** Cancel a job `POST /v1/jobs/{id}/cancel` */
  cancelJob(...given: Arguments<'cancelJob'>): Promise<Answer<'cancelJob'>> {
    return this.call('cancelJob', ...given);
  }

  /** Follow a job by server-sent events `GET /v1/jobs/{id}/events` */
  followJob(...given: Arguments<'followJob'>): Promise<Answer<'followJob'>> {
    return this.call('followJob', ...given);
  }

  /** Be told of events by a signed request `POST /v1/webhooks` */
  createWebhook(...given: Arguments<'createWebhook'>): Promise<Answer<'createWebhook'>> {
    return this.call('createWebhook', ...given);
  }

  /** List webhooks, oldest first `GET /v1/webhooks` */
  listWebhooks(...given: Arguments<'listWebhooks'>): Promise<Answer<'listWebhooks'>> {
    return this.call('listWebhooks', ...given);
  }

  /** Get a webhook `GET /v1/webhooks/{id}` */
  getWebhook(...given: Arguments<'getWebhook'>): Promise<Answer<'getWebhook'>> {
    return this.call('getWebhook', ...given);
  }

  /** Remove a webhook, and what waits to be sent to it `DELETE /v1/webhooks/{id}` */
  deleteWebhook(...given: Arguments<'deleteWebhook'>): Promise<Answer<'deleteWebhook'>> {
    return this.call('deleteWebhook', ...given);
  }

  /** Send a webhook an event that says nothing `POST /v1/webhooks/{id}/test` */
  testWebhook(...given: Arguments<'testWebhook'>): Promise<Answer<'testWebhook'>> {
    return this.call('testWebhook', ...given);
  }

  /** What was sent to a webhook, newest first `GET /v1/webhooks/{id}/deliveries` */
  listWebhookDeliveries(...given: Arguments<'listWebhookDeliveries'>): Promise<Answer<'listWebhookDeliveries'>> {
    return this.call('listWebhookDeliveries', ...given);
  }

  /** List saved calibrations, newest first, and what decides `GET /v1/calibrations` */
  listCalibrations(...given: Arguments<'listCalibrations'>): Promise<Answer<'listCalibrations'>> {
    return this.call('listCalibrations', ...given);
  }

  /** Save a calibration of the loaded model as the next version `POST /v1/calibrations` */
  saveCalibration(...given: Arguments<'saveCalibration'>): Promise<Answer<'saveCalibration'>> {
    return this.call('saveCalibration', ...given);
  }

  /** Scores of the people who are enrolled, to measure and to learn a calibration from `GET /v1/calibrations/trials` */
  getEnrolledTrials(...given: Arguments<'getEnrolledTrials'>): Promise<Answer<'getEnrolledTrials'>> {
    return this.call('getEnrolledTrials', ...given);
  }

  /** Get a saved calibration `GET /v1/calibrations/{version}` */
  getCalibration(...given: Arguments<'getCalibration'>): Promise<Answer<'getCalibration'>> {
    return this.call('getCalibration', ...given);
  }

  /** Remove a saved calibration `DELETE /v1/calibrations/{version}` */
  deleteCalibration(...given: Arguments<'deleteCalibration'>): Promise<Answer<'deleteCalibration'>> {
    return this.call('deleteCalibration', ...given);
  }

  /** Go back to the model's own calibration `POST /v1/calibrations/model/use` */
  useModelCalibration(...given: Arguments<'useModelCalibration'>): Promise<Answer<'useModelCalibration'>> {
    return this.call('useModelCalibration', ...given);
  }

  /** Put a saved calibration to use `POST /v1/calibrations/{version}/use` */
  useCalibration(...given: Arguments<'useCalibration'>): Promise<Answer<'useCalibration'>> {
    return this.call('useCalibration', ...given);
  }
}
