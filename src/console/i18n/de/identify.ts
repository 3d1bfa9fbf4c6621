import type { Messages } from '../en/index.js';

export const identify: Messages['identify'] = {
  title: 'Erkennen',
};
