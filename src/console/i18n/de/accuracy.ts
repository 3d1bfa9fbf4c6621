import type { Messages } from '../en/index.js';

export const accuracy: Messages['accuracy'] = {
  title: 'Genauigkeit',
};
