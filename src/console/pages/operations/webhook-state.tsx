import type { ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import type { Tone } from '../../ui/notice.js';

export type Webhook = Answer<'getWebhook'>;

const TONES: Record<Webhook['state'], Tone> = { active: 'good', gone: 'warn', unreadable: 'bad' };

export function WebhookState({ state }: Pick<Webhook, 'state'>): ReactNode {
  const t = useMessages().webhooks;
  return <Badge tone={TONES[state]}>{t.states[state]}</Badge>;
}
