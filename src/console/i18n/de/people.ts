import type { Messages } from '../en/index.js';

export const people: Messages['people'] = {
  title: 'Personen',
};
