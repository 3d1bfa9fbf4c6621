import type { Messages } from '../en/index.js';

export const nav: Messages['nav'] = {
  label: 'Bereiche',
  skip: 'Zum Inhalt springen',
  openMenu: 'Menü öffnen',
  closeMenu: 'Menü schließen',
  apiDocs: 'Dokumentation der API',
  sections: {
    home: 'Übersicht',
    people: 'Personen',
    groups: 'Gruppen',
    enrol: 'Aufnehmen',
    verify: 'Prüfen',
    identify: 'Erkennen',
    conversations: 'Gespräche',
    accuracy: 'Genauigkeit',
    operations: 'Betrieb',
  },
};
