import type { Messages } from '../en/index.js';

export const identify: Messages['identify'] = {
  title: 'Erkennen',
  lead: 'Wer von den Personen hier ist es, wenn überhaupt jemand? Eine Aufnahme wird mit allen verglichen.',
  recording: 'Aufnahme',
  among: 'Unter',
  everybody: 'Alle',
  decisions: {
    ACCEPT: (name) => `Es ist ${name}`,
    REJECT: 'Es ist niemand von den Personen hier',
    AMBIGUOUS: 'Es ist eine von zweien, die zu nahe beieinander liegen',
    NOT_ENROLLED: 'Noch ist niemand bekannt',
    NOT_ENOUGH_SPEECH: (missing) => `Zu wenig Sprache: es fehlen ${missing}`,
    NONE: 'Nicht entschieden: dieses Modell hat noch keine Schwelle',
    OPEN: 'Bei dieser Rate nicht bekannt',
  },
  nobodyIsNormal:
    'Das ist ein übliches Ergebnis: die meisten Stimmen sind fremd. Von dieser Aufnahme wurde nichts gespeichert.',
  notTold:
    'Bei einer abgelehnten Stimme sagt der Dienst nicht, wem sie am nächsten war. Bei dieser Rate muss er noch einmal gefragt werden.',
  askAt: (rate) => `Bei ${rate} fragen`,
  ranking: 'Nächste Personen',
  people: 'Verglichene Personen',
  margin: 'Vorsprung vor der zweiten',
};
