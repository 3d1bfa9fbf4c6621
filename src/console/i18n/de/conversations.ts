import type { Messages } from '../en/index.js';

export const conversations: Messages['conversations'] = {
  title: 'Gespräche',
};
