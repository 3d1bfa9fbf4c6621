import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Link } from 'wouter';
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
import { Table } from '../../ui/table.js';
import { identifyAgain, rateDecides, rulesOf } from '../decide/decide-again.js';
import { DecisionBanner } from '../decide/decision-banner.js';
import { evidenceInWords } from '../decide/evidence.js';
import { Gauge } from '../decide/gauge.js';
import { RateSlider } from '../decide/rate-slider.js';
import { WhatWasHeard } from '../decide/what-was-heard.js';
import { GroupSelect } from '../people/group-select.js';

interface Question {
  recording: File;
  group: string;
  /** In place of the service's own. */
  rate?: number;
}

/** Who of the people here is it, if anybody? */
export default function IdentifyPage(): ReactNode {
  const t = useMessages();
  const api = useApi();
  const info = useInfo();
  const [group, setGroup] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const identify = useMutation({
    mutationFn: ({ recording, group: among, rate }: Question) =>
      api.call('identifySpeaker', {
        form: {
          audio: recording,
          top: 5,
          ...(among !== '' && { group: among }),
          ...(rate !== undefined && { falseAcceptRate: rate }),
        },
      }),
  });
  const ask = (recording: File, rate?: number): void => {
    setFile(recording);
    identify.mutate({ recording, group, ...(rate !== undefined && { rate }) });
  };
  return (
    <>
      <PageHeader title={t.identify.title} lead={t.identify.lead} />
      <div className={layout['stack']}>
        <Card title={t.identify.recording}>
          <GroupSelect label={t.identify.among} everybody={t.identify.everybody} value={group} onChange={setGroup} />
          <RecordingSource
            name="unknown"
            multiple={false}
            onFiles={([recording]) => ask(recording!)}
            wantedSeconds={Math.max(3, info?.speech.matchSeconds ?? 1)}
            disabled={identify.isPending}
          />
          {file && (
            <div className={layout['row']}>
              <Player recording={file} label={t.enrol.listen(file.name)} />
              <Button busy={identify.isPending} onClick={() => ask(file)}>
                {t.decide.again}
              </Button>
            </div>
          )}
        </Card>
        {identify.isPending && <Loading />}
        {identify.isError && <Failure error={identify.error} {...(file && { onRetry: () => ask(file) })} />}
        {identify.data && (
          <Outcome key={identify.submittedAt} answer={identify.data} onAsk={(rate) => file && ask(file, rate)} />
        )}
      </div>
    </>
  );
}

interface OutcomeProps {
  answer: Answer<'identifySpeaker'>;
  onAsk: (rate: number) => void;
}

function Outcome({ answer, onAsk }: OutcomeProps): ReactNode {
  const t = useMessages();
  const format = useFormat();
  const { may } = useAccess();
  const rules = rulesOf(useInfo());
  const { ranking, gallerySize, decision, missingSpeechSeconds: missing } = answer;
  const asked = answer.falseAcceptRate ?? rules?.falseAcceptRate ?? 0.01;
  const [rate, setRate] = useState(asked);
  const compared = decision === 'ACCEPT' || decision === 'REJECT' || decision === 'AMBIGUOUS';
  const chooses = compared && rules !== null && rateDecides(rules);
  const again = chooses ? identifyAgain(rules, rate, ranking, gallerySize) : null;
  // Without evidence a refusal stays one at every stricter rate; a looser one has to be asked anew.
  const stays = decision === 'REJECT' && rate < asked;
  const now = again === null || rate === asked || (again.decision === null && stays) ? decision : again.decision;
  const open = now === null && again !== null;
  const first = ranking[0];
  const texts = t.identify.decisions;
  const title = open
    ? texts.OPEN
    : now === 'ACCEPT' && first
      ? texts.ACCEPT(first.name ?? first.speakerId)
      : now === 'NOT_ENOUGH_SPEECH'
        ? texts.NOT_ENOUGH_SPEECH(format.seconds(missing ?? 0))
        : now === 'AMBIGUOUS'
          ? texts.AMBIGUOUS
          : now === 'NOT_ENROLLED'
            ? texts.NOT_ENROLLED
            : now === 'REJECT'
              ? texts.REJECT
              : texts.NONE;
  const tone = now === 'ACCEPT' ? 'good' : now === 'AMBIGUOUS' ? 'warn' : 'neutral';
  const llr = first?.score.llr ?? null;
  const second = ranking[1]?.score.llr ?? null;
  return (
    <>
      <Card title={t.decide.outcome}>
        <DecisionBanner tone={tone} title={title}>
          {llr !== null && now !== 'REJECT' && <p>{evidenceInWords(llr, t.decide, format)}</p>}
          {now === 'REJECT' && <p>{t.identify.nobodyIsNormal}</p>}
        </DecisionBanner>
        {compared && llr !== null && (
          <Gauge
            label={t.decide.evidence}
            evidence={llr}
            threshold={again?.threshold ?? answer.threshold}
            tone={tone === 'neutral' ? 'bad' : tone}
          />
        )}
        {chooses && <RateSlider rate={rate} onChange={setRate} asked={asked} />}
        {open && (
          <Notice tone="info" title={t.identify.notTold}>
            {(may('admin') || rate <= rules!.falseAcceptRate) && (
              <Button onClick={() => onAsk(rate)}>{t.identify.askAt(format.percent(rate))}</Button>
            )}
          </Notice>
        )}
        {again?.extrapolated && <Notice tone="warn">{t.decide.extrapolated}</Notice>}
        {compared && !chooses && <p className="muted">{t.decide.fixed}</p>}
        <Facts
          facts={[
            [t.identify.people, format.number(gallerySize)],
            [t.identify.margin, llr === null || second === null ? '–' : format.odds(llr - second)],
            [t.decide.rateUsed, answer.falseAcceptRate === null ? '–' : format.percent(answer.falseAcceptRate)],
          ]}
        />
      </Card>
      {ranking.length > 0 && (
        <Card title={t.identify.ranking}>
          <Table caption={t.identify.ranking} columns={['', t.people.columns.name, t.decide.evidence, t.decide.cosine]}>
            {ranking.map(({ rank, speakerId, name, score }) => (
              <tr key={speakerId}>
                <td className="numeric">{rank}</td>
                <th scope="row">
                  <Link href={`/people/${encodeURIComponent(speakerId)}`} dir="auto">
                    {name ?? speakerId}
                  </Link>
                </th>
                <td className="numeric">{score.llr === null ? '–' : format.odds(score.llr)}</td>
                <td className="numeric">{format.number(score.cosine, 3)}</td>
              </tr>
            ))}
          </Table>
        </Card>
      )}
      <WhatWasHeard heard={answer.recording} model={answer.model} />
    </>
  );
}
