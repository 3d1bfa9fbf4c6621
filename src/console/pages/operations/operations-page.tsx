import type { ReactNode } from 'react';
import { useMessages } from '../../i18n/index.js';
import { EmptyState } from '../../ui/empty-state.js';
import { PageHeader } from '../../ui/page-header.js';

export default function OperationsPage(): ReactNode {
  const t = useMessages();
  return (
    <>
      <PageHeader title={t.operations.title} />
      <EmptyState title={t.common.comingUp} />
    </>
  );
}
