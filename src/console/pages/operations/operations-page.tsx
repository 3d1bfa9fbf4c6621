import { lazy, Suspense, useEffect, useRef, type ReactNode } from 'react';
import { Link, useLocation, useRoute } from 'wouter';
import { useAccess, type Scope } from '../../api/context.js';
import { useMessages, type Messages } from '../../i18n/index.js';
import { Loading } from '../../ui/loading.js';
import { Notice } from '../../ui/notice.js';
import { PageHeader } from '../../ui/page-header.js';
import { AuditTrail } from './audit-trail.js';
import { ErrorTable } from './error-table.js';
import { JobPage } from './job-page.js';
import { JobsList } from './jobs-list.js';
import { KeysPage } from './keys-page.js';
import css from './operations.module.css';

/** Each in a file of its own, the overview with its charts. */
const Overview = lazy(() => import('./overview.js'));
const ModelPage = lazy(() => import('./model-page.js'));
const StoragePage = lazy(() => import('./storage-page.js'));
const WebhooksPage = lazy(() => import('./webhooks-page.js'));
const WebhookPage = lazy(() => import('./webhook-page.js'));

type Tab = keyof Messages['operations']['tabs'];

const TABS: readonly { name: Tab; path: string; scope: Scope; bound: boolean }[] = [
  { name: 'overview', path: '/operations', scope: 'read', bound: true },
  { name: 'jobs', path: '/operations/jobs', scope: 'read', bound: true },
  { name: 'model', path: '/operations/model', scope: 'admin', bound: false },
  { name: 'storage', path: '/operations/storage', scope: 'admin', bound: false },
  { name: 'keys', path: '/operations/keys', scope: 'admin', bound: false },
  { name: 'webhooks', path: '/operations/webhooks', scope: 'admin', bound: false },
  { name: 'audit', path: '/operations/audit', scope: 'admin', bound: true },
  { name: 'errors', path: '/operations/errors', scope: 'read', bound: true },
];

export default function OperationsPage(): ReactNode {
  const t = useMessages().operations;
  const [location] = useLocation();
  const { may, groups, known } = useAccess();
  const offered = TABS.filter(({ scope, bound }) => may(scope) && (bound || groups === null));
  const current = TABS.findLast(({ path }) => location === path || location.startsWith(`${path}/`));
  const tabs = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a narrow screen the parts scroll.
    tabs.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current, known]);
  return (
    <>
      <PageHeader title={t.title} lead={t.lead} />
      <nav ref={tabs} aria-label={t.tabsLabel} className={css['tabs']}>
        {offered.map(({ name, path }) => (
          <Link key={path} href={path} aria-current={name === current?.name ? 'page' : undefined}>
            {t.tabs[name]}
          </Link>
        ))}
      </nav>
      {!known ? (
        <Loading />
      ) : current && offered.includes(current) ? (
        <Suspense fallback={<Loading />}>
          <Part tab={current.name} />
        </Suspense>
      ) : (
        <Notice tone="warn">{t.refused}</Notice>
      )}
    </>
  );
}

function Part({ tab }: { tab: Tab }): ReactNode {
  const [, job] = useRoute<{ id: string }>('/operations/jobs/:id');
  const [, webhook] = useRoute<{ id: string }>('/operations/webhooks/:id');
  switch (tab) {
    case 'overview':
      return <Overview />;
    case 'jobs':
      return job ? <JobPage id={job.id} /> : <JobsList />;
    case 'model':
      return <ModelPage />;
    case 'storage':
      return <StoragePage />;
    case 'keys':
      return <KeysPage />;
    case 'webhooks':
      return webhook ? <WebhookPage id={webhook.id} /> : <WebhooksPage />;
    case 'audit':
      return <AuditTrail />;
    case 'errors':
      return <ErrorTable />;
  }
}
