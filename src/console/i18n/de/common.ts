import type { Messages } from '../en/index.js';

export const common: Messages['common'] = {
  loading: 'Wird geladen …',
  close: 'Schließen',
  cancel: 'Abbrechen',
  save: 'Speichern',
  retry: 'Noch einmal versuchen',
  reload: 'Seite neu laden',
  next: 'Weiter',
  page: (number) => `Seite ${number}`,
  previous: 'Zurück',
  noSuchPage: 'Diese Seite gibt es nicht',
  pageFailed: 'Diese Seite konnte nicht angezeigt werden',
  comingUp: 'Hier ist noch nichts',
  modelStates: {
    fetching: 'Das Modell wird heruntergeladen',
    loading: 'Das Modell wird geladen',
    failed: 'Das Modell konnte nicht geladen werden',
    closed: 'Der Dienst wird beendet',
  },
};
