import { useQuery } from '@tanstack/react-query';
import { BadgeCheck, Mic, ScanSearch } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useAccess, useApi, useInfo } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { ButtonLink } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Facts } from '../../ui/facts.js';
import { Failure } from '../../ui/failure.js';
import { Loading } from '../../ui/loading.js';
import { PageHeader } from '../../ui/page-header.js';
import { SAMPLE_PREFIX } from './sample-people.js';
import { ThreeSteps } from './three-steps.js';
import css from './welcome-page.module.css';

/** What is here, and for an empty service: what to do first. */
export default function WelcomePage(): ReactNode {
  const t = useMessages().welcome;
  const format = useFormat();
  const api = useApi();
  const { may } = useAccess();
  const info = useInfo();
  const people = useQuery({
    queryKey: ['people', 'first'],
    queryFn: ({ signal }) => api.call('listSpeakers', { limit: 10 }, { signal }),
  });
  if (people.isPending) return <Loading />;
  if (people.isError) {
    return (
      <>
        <PageHeader title={t.title} />
        <Failure error={people.error} onRetry={() => void people.refetch()} />
      </>
    );
  }
  const { speakers, total, nextCursor } = people.data;
  const isNew = nextCursor === null && speakers.every(({ id }) => id.startsWith(SAMPLE_PREFIX));
  return (
    <>
      <PageHeader title={isNew ? t.firstTitle : t.title} lead={isNew ? t.firstLead : undefined} />
      <div className={layout['stack']}>
        {isNew && <ThreeSteps people={speakers} />}
        <div className={css['ways']}>
          {may('enrol') && <Way href="/enrol" icon={<Mic aria-hidden />} title={t.enrol} text={t.enrolHint} />}
          <Way href="/verify" icon={<BadgeCheck aria-hidden />} title={t.verify} text={t.verifyHint} />
          <Way href="/identify" icon={<ScanSearch aria-hidden />} title={t.identify} text={t.identifyHint} />
        </div>
        <Card title={t.service} actions={<ButtonLink href="/people">{t.toPeople}</ButtonLink>}>
          <Facts
            facts={[
              [t.people, total === null ? '–' : format.number(total)],
              ...(info?.model
                ? ([
                    [t.model, info.model.name],
                    [t.device, info.model.device],
                    [t.calibrated, info.model.calibrated ? t.yes : t.no],
                  ] as const)
                : []),
              ...(info
                ? ([
                    [t.consent, info.consent === 'required' ? t.consentRequired : t.consentOptional],
                    [t.speech, format.seconds(info.speech.createSeconds)],
                  ] as const)
                : []),
            ]}
          />
          {info?.model?.better && (
            <p className="muted">
              {t.better(info.model.better.model)} <code>npx {info.model.better.command}</code>
            </p>
          )}
        </Card>
      </div>
    </>
  );
}

function Way({ href, icon, title, text }: { href: string; icon: ReactNode; title: string; text: string }): ReactNode {
  return (
    <Link href={href} className={css['way'] ?? ''}>
      {icon}
      <strong>{title}</strong>
      <span className="muted">{text}</span>
    </Link>
  );
}
