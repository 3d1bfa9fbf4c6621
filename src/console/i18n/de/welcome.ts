import type { Messages } from '../en/index.js';

export const welcome: Messages['welcome'] = {
  title: 'Übersicht',
};
