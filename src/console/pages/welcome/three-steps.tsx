import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useAccess, useApi } from '../../api/context.js';
import { sampleFile, useSamples } from '../../api/samples.js';
import { useErrorText } from '../../i18n/errors.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Button, ButtonLink } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Notice } from '../../ui/notice.js';
import { enrolSample, SAMPLE_PREFIX, tryOf } from './sample-people.js';
import css from './welcome-page.module.css';

/** Enrolled; and who is asked about. */
const VOICES = ['anna', 'ben'];

/** Enrol, verify and identify, each tried by one press on synthetic voices. */
export function ThreeSteps({ people }: { people: readonly { id: string; enrollmentStatus: string }[] }): ReactNode {
  const t = useMessages().welcome;
  const format = useFormat();
  const textOf = useErrorText();
  const api = useApi();
  const { may } = useAccess();
  const queries = useQueryClient();
  const samples = useSamples();
  const there = samples ?? [];
  const voices = VOICES.filter((voice) => there.some((sample) => sample.voice === voice));
  const anna = SAMPLE_PREFIX + (voices[0] ?? '');
  const enrolled = people.some(({ id, enrollmentStatus }) => id === anna && enrollmentStatus === 'Enrolled');
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ['people'] });

  const enrol = useMutation({
    mutationFn: async () => {
      for (const voice of voices) await enrolSample(api, there, voice);
    },
    onSettled: refresh,
  });
  const verify = useMutation({
    mutationFn: async () => {
      const audio = await sampleFile(api, tryOf(there, voices[0]!)!);
      return api.call('verifySpeaker', { id: anna, form: { audio } });
    },
  });
  const identify = useMutation({
    mutationFn: async () => {
      const audio = await sampleFile(api, tryOf(there, voices[0]!)!);
      return api.call('identifySpeaker', { form: { audio } });
    },
  });
  const erase = useMutation({
    mutationFn: async () => {
      for (const { id } of people) if (id.startsWith(SAMPLE_PREFIX)) await api.call('eraseSpeaker', { id });
    },
    onSettled: refresh,
  });
  const failed = [enrol, verify, identify, erase].find(({ isError }) => isError)?.error;

  if (!samples || !may('enrol')) return null;
  if (voices.length === 0) {
    return (
      <Card title={t.stepsTitle}>
        <p>{t.noSamples}</p>
        <div>
          <ButtonLink kind="primary" href="/enrol">
            {t.startOwn}
          </ButtonLink>
        </div>
      </Card>
    );
  }
  return (
    <Card title={t.stepsTitle} actions={<Badge tone="warn">{t.synthetic}</Badge>}>
      <p className="muted">{t.syntheticHint}</p>
      <ol className={css['steps']}>
        <Step number={format.number(1)} title={t.step1} text={t.step1Hint}>
          <Button
            kind={enrolled ? 'secondary' : 'primary'}
            busy={enrol.isPending}
            disabled={enrolled}
            onClick={() => enrol.mutate()}
          >
            {enrol.isPending ? t.working : enrolled ? t.step1Done : t.step1Action}
          </Button>
        </Step>
        <Step number={format.number(2)} title={t.step2} text={t.step2Hint}>
          <Button kind="primary" busy={verify.isPending} disabled={!enrolled} onClick={() => verify.mutate()}>
            {verify.isPending ? t.working : t.step2Action}
          </Button>
          {verify.data && (
            <Notice tone={verify.data.decision === 'ACCEPT' ? 'good' : 'warn'}>
              {verify.data.decision === 'ACCEPT' ? t.step2Yes : t.step2No}
              {verify.data.score?.llr != null && ` ${t.evidence(format.odds(verify.data.score.llr))}`}
            </Notice>
          )}
        </Step>
        <Step number={format.number(3)} title={t.step3} text={t.step3Hint}>
          <Button kind="primary" busy={identify.isPending} disabled={!enrolled} onClick={() => identify.mutate()}>
            {identify.isPending ? t.working : t.step3Action}
          </Button>
          {identify.data && (
            <Notice tone={identify.data.decision === 'ACCEPT' ? 'good' : 'info'}>
              {identify.data.decision === 'ACCEPT'
                ? t.step3Yes(identify.data.ranking[0]?.name ?? identify.data.speakerId ?? '')
                : t.step3No}
            </Notice>
          )}
        </Step>
      </ol>
      {failed != null && <Notice tone="bad">{textOf(failed)}</Notice>}
      {people.length > 0 && may('admin') && (
        <div>
          <Button kind="danger" busy={erase.isPending} onClick={() => erase.mutate()}>
            {t.eraseSamples}
          </Button>
        </div>
      )}
    </Card>
  );
}

function Step({
  number,
  title,
  text,
  children,
}: {
  number: string;
  title: string;
  text: string;
  children: ReactNode;
}): ReactNode {
  return (
    <li>
      <span className={css['number']} aria-hidden>
        {number}
      </span>
      <div className={css['step']}>
        <h3>{title}</h3>
        <p className="muted">{text}</p>
        {children}
      </div>
    </li>
  );
}
