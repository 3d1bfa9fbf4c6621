import type { Answer } from '../../../client/index.js';
import type { Tone } from '../../ui/notice.js';

export type UnknownVoice = Answer<'getUnknownVoice'>;
export type VoiceState = UnknownVoice['state'];

export const TONES: Record<VoiceState, Tone> = {
  open: 'info',
  named: 'good',
  merged: 'info',
  dismissed: 'warn',
  blocked: 'bad',
};

/** What a voice without a name is called for people. */
export function shortOf(id: string): string {
  return id.slice(0, 8);
}
