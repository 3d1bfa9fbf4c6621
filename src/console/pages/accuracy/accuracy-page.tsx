import type { ReactNode } from 'react';
import { useMessages } from '../../i18n/index.js';
import { EmptyState } from '../../ui/empty-state.js';
import { PageHeader } from '../../ui/page-header.js';

export default function AccuracyPage(): ReactNode {
  const t = useMessages();
  return (
    <>
      <PageHeader title={t.accuracy.title} />
      <EmptyState title={t.common.comingUp} />
    </>
  );
}
