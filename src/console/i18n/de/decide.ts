import type { Messages } from '../en/index.js';

export const decide: Messages['decide'] = {
  outcome: 'Ergebnis',
  evidence: 'Indiz',
  threshold: 'Schwelle',
  same: 'dieselbe Person',
  different: 'eine andere Person',
  noEvidence: 'Es ist kein Indiz bekannt.',
  evidenceOf: (odds) => `Indiz ${odds}.`,
  thresholdOf: (odds) => `Schwelle ${odds}.`,
  forSame: (strength, ratio) =>
    `${strength}es Indiz: das Gehörte ist ${ratio}-mal so wahrscheinlich, wenn es dieselbe Person ist.`,
  forDifferent: (strength, ratio) =>
    `${strength}es Indiz dagegen: das Gehörte ist ${ratio}-mal so wahrscheinlich, wenn es jemand anders ist.`,
  strengths: { veryStrong: 'Sehr stark', strong: 'Stark', moderate: 'Mäßig', weak: 'Schwach' },
  rate: 'Wie viele Fremde dürfen irrtümlich angenommen werden?',
  rateOf: (requests, share) => `einer von ${requests} Versuchen Fremder (${share})`,
  rateUsed: 'Falsch Angenommene je Anfrage',
  extrapolated: 'Diese Rate liegt jenseits dessen, was die Kalibrierung gesehen hat; ihre Schwelle ist hochgerechnet.',
  fixed:
    'Hier entscheidet eine feste Schwelle, gleich bei welcher Rate; eine Kalibrierung des Modells macht die Rate wählbar.',
  again: 'Noch einmal fragen',
  cosine: 'Kosinus',
  probability: 'Wahrscheinlichkeit bei gleichen Chancen',
  confidence: 'Vertrauen in das Profil',
  recording: 'Was gehört wurde',
  speech: 'Reine Sprechzeit',
  speechOf: (speech, all) => `${speech} von ${all}`,
  noise: 'Über dem Rauschen',
  decibels: (value) => `${value} dB`,
  clipped: 'Übersteuert',
  format: 'Format',
  model: 'Modell',
  incomplete: 'Die Datei ist nicht vollständig; was da ist, wurde verwendet.',
};
