import type { Messages } from '../en/index.js';

export const enrol: Messages['enrol'] = {
  title: 'Aufnehmen',
};
