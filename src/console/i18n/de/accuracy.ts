import type { Messages } from '../en/index.js';

export const accuracy: Messages['accuracy'] = {
  title: 'Genauigkeit',
  lead: 'Wie gut Punktzahlen Personen unterscheiden und was eine Schwelle kostet: aus einer Liste eigener Versuche, die in diesem Browser bleibt, oder aus den angelernten Personen.',
  list: {
    title: 'Bewertete Versuche',
    drop: 'Eine Liste bewerteter Versuche hier ablegen oder auswählen',
    choose: 'Liste auswählen',
    hint: 'Zeilen „label score“ oder „label enrolment test score“ (1: dieselbe Person, 0: verschiedene), CSV mit Kopfzeile oder JSON; „timbre evaluate --out“ schreibt scores.tsv.',
    reading: 'Die Liste wird gelesen …',
    tooLarge: (largest) => `Die Liste ist größer als ${largest}.`,
  },
  people: {
    use: 'Die angelernten Personen nehmen',
    hint: 'Der Dienst vergleicht die Aufnahmen, die zählen, und nennt nur Punktzahlen. Das steht im Protokoll.',
    facts: (recordings, people) => `${recordings} von ${people}, verglichen von`,
    recordings: ['# Aufnahme', '# Aufnahmen'],
    persons: ['# Person', '# Personen'],
    drawn: 'Es gibt mehr: Diese wurden ausgelost, ohne Vorliebe und jedes Mal dieselben.',
    unreadable: (people) => `Ausgelassen, weil die Datensätze nicht gelesen werden können: ${people}.`,
    nothingLearned: 'Aus ihnen lässt sich keine Kalibrierung lernen, darum sind die Punktzahlen Kosinuswerte.',
    learned:
      'Die Punktzahlen sind die Indizien (Log-Likelihood-Quotienten) einer Kalibrierung, die aus ihnen gelernt wurde.',
    save: 'Als Kalibrierung sichern',
    saveHint: 'Was aus diesen Personen gelernt wurde, wird die nächste Version.',
  },
  numbers: {
    title: 'In Zahlen',
    trials: 'Versuche',
    trialCounts: (same, different) => `${same} derselben Person, ${different} verschiedener Personen`,
    eer: 'Gleichfehlerrate',
    eerHint: 'Wo ebenso viele Fremde angenommen wie Personen verpasst werden.',
    minDcf: (prior) => `minDCF, ${prior} Treffer`,
    cllr: 'Cllr',
    heldOutCllr: 'Cllr, an ausgelassenen Personen',
    minCllr: 'minCllr',
    of: 'Bit',
    few: (errors) => `Hinter der Gleichfehlerrate stehen weniger als ${errors} Fehler: Sie ist geraten.`,
  },
  histogram: {
    title: 'Punktzahlen',
    axis: 'Punktzahl',
    share: 'Anteil der Versuche',
    same: 'dieselbe Person',
    different: 'verschiedene Personen',
    threshold: 'Schwelle',
    label: (threshold) =>
      `Histogramm der Punktzahlen derselben Person und verschiedener Personen, mit der Schwelle ${threshold}`,
  },
  det: {
    title: 'Fehlerabwägung (DET)',
    far: 'Angenommene Fremde',
    frr: 'Verpasste Personen',
    label: (far, frr) =>
      `Fehlerabwägung: Am Punkt werden ${far} der Fremden angenommen und ${frr} der Personen verpasst`,
    drag: 'Raten einzelner Vergleiche. Ziehen Sie den Punkt auf der Kurve oder nehmen Sie den Schieber.',
  },
  decide: {
    title: 'Wo entschieden wird',
    people: 'Personen, mit denen verglichen wird (N)',
    peopleWrong: 'Eine ganze Zahl von 1 bis 1.000.000.',
    rate: 'Fremde, die für jemanden gehalten werden dürfen, von 1.000 Versuchen',
    rateText: (share) => `${share} der Anfragen`,
    of: (people) => `Von 1.000 Versuchen bei ${people} Personen`,
    falseAccepts: 'Fremde werden für jemanden gehalten',
    misses: 'angelernte Personen werden verpasst',
    below: 'weniger als 1',
    threshold: 'Schwelle',
    policy:
      'Die Schwelle steigt mit N, wie der Dienst sie höchstens hebt: Ein Fremder wird mit allen verglichen, und eine hohe Punktzahl genügt. Wer der Aufnahme nicht ähnelt, zählt dort nicht.',
    observed:
      'Die Liste hat zu wenige verschiedene Personen, um zu wissen, wie hoch Fremde darüber hinaus kommen: Die Rate ist die ihrer eigenen Versuche.',
    extrapolated: 'Die Rate liegt jenseits dessen, was die Liste zeigen kann; ihr Verlauf wurde weiter verfolgt.',
    saving:
      'Eine solche Liste nennt weder Personen noch ein Modell, darum lernt der Dienst nichts aus ihr. Eine Kalibrierung wird aus den angelernten Personen gelernt oder mit „timbre calibrate --save“ aus Versuchen.',
    learnedOn:
      'Die Kalibrierung wurde aus denselben Versuchen gelernt, was allen Raten schmeichelt, nur nicht der Cllr an ausgelassenen Personen.',
  },
  none: 'Noch keine Liste',
  noneHint:
    'Sammeln Sie Versuche, die Ihrem Betrieb gleichen: dieselben Mikrofone, Sprachen, Längen und Zahl der Aufnahmen.',
};
