import type { Messages } from '../en/index.js';

export const signIn: Messages['signIn'] = {
  title: 'Anmelden',
  exchanging: 'Anmeldung läuft …',
  explain:
    'Öffnen Sie einen einmaligen Anmeldelink, den dieser Befehl auf dem Rechner des Dienstes ausgibt, oder geben Sie einen API-Schlüssel ein.',
  key: 'API-Schlüssel',
  keep: 'In diesem Tab angemeldet bleiben',
  keepHint: 'Sonst wird der Schlüssel vergessen, sobald der Tab neu geladen oder geschlossen wird.',
  enter: 'Anmelden',
  leave: 'Abmelden',
  useKey: 'Schlüssel verwenden',
  until: (time) => `Angemeldet bis ${time}`,
  reasons: {
    new: '',
    ended: 'Sie sind abgemeldet.',
    expired:
      'Der Schlüssel ist abgelaufen oder wurde widerrufen. Melden Sie sich neu an; begonnene Eingaben sind verloren.',
    'link-refused': 'Der Link wurde schon verwendet oder ist zu alt. Der Befehl unten erzeugt einen neuen.',
  },
};
