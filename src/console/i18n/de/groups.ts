import type { Messages } from '../en/index.js';

export const groups: Messages['groups'] = {
  title: 'Gruppen',
  lead: 'Menschen, die zusammengehören: ein Haushalt, eine Besprechung, die Leute eines Kunden. Erkennen lässt sich auf eine Gruppe beschränken.',
  all: 'Alle Gruppen',
  none: 'Es gibt keine Gruppen',
  noneHint: 'Eine Gruppe hat Personen und Einstellungen, die für sie gelten.',
  count: ['# Gruppe', '# Gruppen'],
  columns: { name: 'Name', members: 'Mitglieder', created: 'Hinzugefügt', changed: 'Geändert' },
  create: 'Gruppe anlegen',
  createHint: 'Sie hat noch keine Mitglieder. Eine Person kann zu mehreren Gruppen gehören.',
  name: 'Name',
  id: 'Kennung',
  idHint: 'Ihre eigene, für Programme; leer: es wird eine erzeugt. Sie ändert sich nie.',
  notThere: 'Nicht hier',
  notThereHint: 'Keine Gruppe hat diese Kennung, oder Ihr Schlüssel darf sie nicht sehen.',
  rename: 'Umbenennen',
  renameHint: 'Die Kennung bleibt. Ohne Namen heißt die Gruppe nach ihrer Kennung.',
  delete: 'Löschen',
  deleteTitle: (name) => `Die Gruppe ${name} löschen?`,
  deleteHint:
    'Ihre Mitglieder bleiben und gehören nicht mehr zu ihr. Was für die Gruppe eingestellt ist, gilt dann für niemanden.',
  deleted: 'Die Gruppe ist gelöscht.',
  members: {
    title: 'Mitglieder',
    count: ['# Mitglied', '# Mitglieder'],
    none: 'Noch gehört niemand zu der Gruppe.',
    noneFound: 'Kein Mitglied hat einen Namen, der so beginnt.',
    addTitle: 'Jemanden hinzufügen',
    add: 'Zur Gruppe hinzufügen',
    added: (id) => `${id} gehört zur Gruppe.`,
    remove: 'Herausnehmen',
    removeOne: (name) => `Herausnehmen: ${name}`,
    removeTitle: (name) => `${name} aus der Gruppe nehmen?`,
    removeHint: 'Die Person bleibt. Was für die Gruppe eingestellt ist, gilt für sie nicht mehr.',
    removed: 'Aus der Gruppe genommen.',
  },
  settings: {
    title: 'Was für Mitglieder gilt',
    saved: 'Gespeichert.',
    save: (what) => `Speichern: ${what}`,
    choices: { default: 'Wie für alle', on: 'An', off: 'Aus' },
    everybodyIs: { on: 'Wie für alle (an)', off: 'Wie für alle (aus)' },
    keeping: {
      title: 'Ton der Aufnahmen aufbewahren',
      does: 'Aufnahmen, mit denen Mitglieder aufgenommen werden, werden verschlüsselt aufbewahrt, damit ein anderes Modell sie einbetten kann. Es gilt für Aufnahmen von nun an: Ausschalten entfernt nichts. Von mehreren Gruppen einer Person genügt eine, die Aus sagt.',
      consent:
        'Fragen Sie die Mitglieder zuerst: Der Text, in den sie einwilligen, muss sagen, dass die Aufnahmen selbst aufbewahrt werden und wie lange.',
    },
    learning: {
      title: 'Profile lernen lassen',
      does: 'Aufnahmen von Mitgliedern, die mit starken Indizien geprüft oder die bestätigt wurden, werden Teil des Profils. Das Protokoll kann jede zurücknehmen. Eine Einstellung der Person geht der der Gruppe vor, und von mehreren Gruppen genügt eine, die Aus sagt.',
      consent:
        'Fragen Sie die Mitglieder zuerst: Der Text, in den sie einwilligen, muss sagen, dass spätere Aufnahmen das Profil ändern. Wer widerrufen hat, lernt nicht.',
    },
    watch: {
      title: 'Beobachtungsliste',
      does: 'Wenn ein Mitglied zu hören ist, bei einer Prüfung, beim Erkennen oder in einem Gespräch, steht es im Protokoll und in den Messwerten und geht an Webhooks, die darum gebeten haben. Wer den Aufruf gemacht hat, erfährt davon nichts.',
      consent:
        'Der Dienst verlangt dafür keine eigene Einwilligung: Stellen Sie sicher, dass Sie nach diesen Menschen suchen dürfen, ohne es ihnen zu sagen. Wer widerrufen hat, wird nicht gemeldet.',
    },
    noRates:
      'Das geladene Modell entscheidet bei keiner Rate: ihm fehlt die Kalibrierung, oder eine Schwelle wurde genannt.',
    notWatched: 'Aus',
    watched: (strangers) => `An: von ${strangers} Fremden darf einer gemeldet werden`,
  },
};
