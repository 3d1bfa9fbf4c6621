import type { Messages } from '../en/index.js';

export const operations: Messages['operations'] = {
  title: 'Betrieb',
};
