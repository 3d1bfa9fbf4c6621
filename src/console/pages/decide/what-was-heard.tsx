import type { ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Card } from '../../ui/card.js';
import { Facts } from '../../ui/facts.js';
import { Notice } from '../../ui/notice.js';

type Heard = NonNullable<Answer<'identifySpeaker'>['recording']>;

/** What the recording was, as the service measured it. */
export function WhatWasHeard({ heard, model }: { heard: Heard; model: string }): ReactNode {
  const t = useMessages().decide;
  const format = useFormat();
  const { speech, audio, quality } = heard;
  return (
    <Card title={t.recording}>
      <Facts
        facts={[
          [t.speech, t.speechOf(format.seconds(speech.seconds), format.seconds(audio.seconds))],
          [t.noise, quality.snrDb === null ? '–' : t.decibels(format.number(quality.snrDb))],
          [t.clipped, format.percent(quality.clippedShare)],
          [t.format, audio.format],
          [t.model, model],
        ]}
      />
      {!audio.complete && <Notice tone="warn">{t.incomplete}</Notice>}
    </Card>
  );
}
