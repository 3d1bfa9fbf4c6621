import type { ReactNode } from 'react';
import { useRoute } from 'wouter';
import { ConversationPage } from './conversation-page.js';
import { ListPage } from './list-page.js';

export default function ConversationsPage(): ReactNode {
  const [, params] = useRoute<{ id: string }>('/conversations/:id');
  return params ? <ConversationPage id={params.id} /> : <ListPage />;
}
