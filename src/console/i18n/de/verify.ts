import type { Messages } from '../en/index.js';

export const verify: Messages['verify'] = {
  title: 'Prüfen',
};
