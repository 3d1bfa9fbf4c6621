import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useParams } from 'wouter';
import type { Answer } from '../../../client/index.js';
import { useAccess, useApi, useInfo } from '../../api/context.js';
import { Player } from '../../audio/player.js';
import { RecordingSource } from '../../audio/recording-source.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Failure } from '../../ui/failure.js';
import { Facts } from '../../ui/facts.js';
import { Loading } from '../../ui/loading.js';
import { Notice } from '../../ui/notice.js';
import { PageHeader } from '../../ui/page-header.js';
import { useToast } from '../../ui/toast.js';
import { rateDecides, rulesOf, verifyAgain } from '../decide/decide-again.js';
import { DecisionBanner } from '../decide/decision-banner.js';
import { evidenceInWords } from '../decide/evidence.js';
import { Gauge } from '../decide/gauge.js';
import { RateSlider } from '../decide/rate-slider.js';
import { WhatWasHeard } from '../decide/what-was-heard.js';
import { PersonChoice } from './person-choice.js';

/** Is it who they say it is? */
export default function VerifyPage(): ReactNode {
  const t = useMessages();
  const api = useApi();
  const info = useInfo();
  const { id: named = '' } = useParams<{ id?: string }>();
  const [id, setId] = useState(named);
  const [file, setFile] = useState<File | null>(null);
  const verify = useMutation({
    mutationFn: (recording: File) => api.call('verifySpeaker', { id: id.trim(), form: { audio: recording } }),
  });
  const ask = (recording: File): void => {
    setFile(recording);
    verify.mutate(recording);
  };
  const wanted = info?.speech.matchSeconds ?? 1;
  return (
    <>
      <PageHeader title={t.verify.title} lead={t.verify.lead} />
      <div className={layout['stack']}>
        <Card title={t.verify.claim}>
          <PersonChoice value={id} onChange={setId} />
        </Card>
        <Card title={t.verify.recording}>
          <RecordingSource
            name="claim"
            multiple={false}
            onFiles={([recording]) => ask(recording!)}
            wantedSeconds={Math.max(3, wanted)}
            microphoneBlocked={id.trim() === '' ? t.verify.chooseFirst : undefined}
            disabled={id.trim() === '' || verify.isPending}
          />
          {file && (
            <div className={layout['row']}>
              <Player recording={file} label={t.enrol.listen(file.name)} />
              <Button busy={verify.isPending} disabled={id.trim() === ''} onClick={() => ask(file)}>
                {t.decide.again}
              </Button>
            </div>
          )}
        </Card>
        {verify.isPending && <Loading />}
        {verify.isError && <Failure error={verify.error} {...(file && { onRetry: () => ask(file) })} />}
        {verify.data && <Outcome key={verify.submittedAt} answer={verify.data} />}
      </div>
    </>
  );
}

function Outcome({ answer }: { answer: Answer<'verifySpeaker'> }): ReactNode {
  const t = useMessages();
  const format = useFormat();
  const rules = rulesOf(useInfo());
  const { score, decision, missingSpeechSeconds: missing, recording } = answer;
  const asked = score?.falseAcceptRate ?? rules?.falseAcceptRate ?? 0.01;
  const [rate, setRate] = useState(asked);
  const chooses = score !== null && rules !== null && rateDecides(rules);
  const again = chooses ? verifyAgain(rules, rate, score) : null;
  // At the rate that was asked for, what the service said is what counts.
  const now = again === null || rate === asked ? decision : again.decision;
  const tone = now === 'ACCEPT' ? 'good' : now === 'REJECT' ? 'bad' : 'neutral';
  const sentences = t.verify.decisions;
  const title =
    now === 'NOT_ENOUGH_SPEECH'
      ? sentences.NOT_ENOUGH_SPEECH(format.seconds(missing ?? 0))
      : sentences[now ?? 'NONE'](answer.speakerId);
  const llr = score?.llr ?? null;
  const required = again === null ? null : rules!.cosine === null ? evidenceThreshold(again.threshold, score!) : null;
  return (
    <>
      <Card title={t.decide.outcome}>
        <DecisionBanner tone={tone} title={title}>
          {llr !== null && <p>{evidenceInWords(llr, t.decide, format)}</p>}
        </DecisionBanner>
        {score && llr !== null && (
          <Gauge
            label={t.decide.evidence}
            evidence={llr}
            threshold={required}
            tone={tone === 'good' ? 'good' : 'bad'}
          />
        )}
        {chooses && <RateSlider rate={rate} onChange={setRate} asked={asked} />}
        {again?.extrapolated && <Notice tone="warn">{t.decide.extrapolated}</Notice>}
        {score && !chooses && <p className="muted">{t.decide.fixed}</p>}
        {score && (
          <Facts
            facts={[
              [t.decide.cosine, format.number(score.cosine, 3)],
              [t.decide.threshold, score.threshold === null ? '–' : format.number(score.threshold, 3)],
              [t.decide.probability, score.probability === null ? '–' : format.percent(score.probability, 3)],
              [t.decide.confidence, format.percent(answer.confidence)],
            ]}
          />
        )}
        <Learning answer={answer} />
      </Card>
      {recording && <WhatWasHeard heard={recording} model={answer.model} />}
    </>
  );

  /** On the gauge's scale: a cosine is put where this pair's evidence for it lies. */
  function evidenceThreshold(threshold: number | null, of: NonNullable<typeof score>): number | null {
    if (threshold === null || of.llr === null) return null;
    const learned = rules!.thresholds.find(({ falseAcceptRate }) => falseAcceptRate === rate);
    return learned?.cosine == null ? threshold : learned.llr;
  }
}

/** What the profile learned of it, and the way to say that it was them. */
function Learning({ answer }: { answer: Answer<'verifySpeaker'> }): ReactNode {
  const t = useMessages().verify;
  const format = useFormat();
  const api = useApi();
  const { may } = useAccess();
  const { tell, tellError } = useToast();
  const confirm = useMutation({
    mutationFn: (id: string) => api.call('confirmVerification', { id }),
    onSuccess: ({ learned, reason }) => tell(learned ? t.confirmed : t.notLearned(reason ?? '')),
    onError: tellError,
  });
  const { learning, verificationId, confirmUntil } = answer;
  if (learning?.learned) return <Notice tone="info">{t.learned}</Notice>;
  if (verificationId === null || confirmUntil === null || !may('enrol') || confirm.isSuccess) return null;
  return (
    <Notice tone="info" title={t.isItThem(format.dateTime(confirmUntil))}>
      <Button busy={confirm.isPending} onClick={() => confirm.mutate(verificationId)}>
        {t.confirm}
      </Button>
    </Notice>
  );
}
