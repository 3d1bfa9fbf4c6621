import type { Messages } from '../en/index.js';

export const preferences: Messages['preferences'] = {
  language: 'Sprache',
  theme: 'Farben',
  themes: { system: 'Auto', light: 'Hell', dark: 'Dunkel' },
};
