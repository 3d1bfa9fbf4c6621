import type { Messages } from '../en/index.js';

export const verify: Messages['verify'] = {
  title: 'Prüfen',
  lead: 'Ist es, wer es zu sein behauptet? Eine Aufnahme wird mit einem Profil verglichen.',
  claim: 'Für wen gibt sich die Person aus?',
  person: 'Kennung der Person',
  personHint: 'Beginnen Sie mit einer Kennung oder einem Namen.',
  isEnrolled: (name) => `${name} ist bekannt.`,
  isNotEnrolled: (name) => `${name} braucht mehr Sprache, bevor verglichen werden kann.`,
  recording: 'Aufnahme',
  chooseFirst: 'Wählen Sie zuerst die Person.',
  decisions: {
    ACCEPT: (id) => `Es ist ${id}`,
    REJECT: (id) => `Es ist nicht ${id}`,
    NOT_ENROLLED: (id) => `Von ${id} ist zu wenig Sprache bekannt`,
    OPTED_OUT: (id) => `${id} hat widerrufen und wird nicht verglichen`,
    NOT_ENOUGH_SPEECH: (missing) => `Zu wenig Sprache: es fehlen ${missing}`,
    NONE: () => 'Nicht entschieden: dieses Modell hat noch keine Schwelle',
  },
  learned:
    'Das Indiz war stark genug: das Profil hat aus dieser Aufnahme gelernt. Sein Protokoll kann das zurücknehmen.',
  isItThem: (time) =>
    `Wenn Sie wissen, dass es die Person ist, kann das Profil aus dieser Aufnahme lernen (bis ${time}).`,
  confirm: 'Ja, sie ist es',
  confirmed: 'Das Profil hat aus dieser Aufnahme gelernt.',
  notLearned: (reason) => `Das Profil hat nicht daraus gelernt (${reason}).`,
};
