import type { Messages } from '../en/index.js';

export const recorder: Messages['recorder'] = {
  source: 'Woher die Aufnahme kommt',
  microphone: 'Mikrofon',
  files: 'Dateien',
  samples: 'Beispiele',
  sample: 'Beispielaufnahme',
  synthetic: 'Künstliche Stimmen: ein Programm spricht, und sie ähneln einander mehr als Menschen.',
  useSample: 'Dieses Beispiel verwenden',
  device: 'Mikrofon',
  defaultDevice: 'Vom Browser gewählt',
  unnamed: (number) => `Mikrofon ${number}`,
  start: 'Aufnehmen',
  stop: 'Stopp',
  level: 'Pegel',
  decibels: (value) => `${value} dB`,
  speech: 'Gehörte Sprache, etwa',
  speechOf: (there, wanted) => `${there} von ${wanted}`,
  clipping: 'Zu laut: gehen Sie vom Mikrofon weg oder senken Sie den Pegel.',
  noise: (level) => `Der Raum ist laut (${level} dB): Fenster schließen oder näher ans Mikrofon gehen.`,
  altered:
    'Der Browser verändert den Klang dieses Mikrofons, obwohl er gebeten wurde, es nicht zu tun. Ein anderer Browser oder ein anderes Gerät kann ein besseres Profil ergeben.',
  narrow:
    'Dieses Mikrofon hat die Qualität eines Telefons. Ein anderes oder ein Headset mit Kabel ergibt ein besseres Profil.',
  dropOne: 'Aufnahme hierher ziehen oder auswählen',
  dropMany: 'Aufnahmen hierher ziehen oder auswählen',
  formats: 'WAV, FLAC, MP3, Ogg, Opus, M4A, WebM und mehr, wie Rekorder und Browser sie machen.',
  problems: {
    unsupported:
      'Dieser Browser kann nicht so aufnehmen, wie es hier nötig ist (AudioWorklet). Nehmen Sie ein aktuelles Firefox, Chrome, Edge oder Safari, oder eine Datei.',
    insecure:
      'Browser erlauben das Mikrofon nur über https oder auf diesem Rechner. Öffnen Sie die Seite so, oder nehmen Sie eine Datei.',
    denied:
      'Das Mikrofon wurde nicht erlaubt. Erlauben Sie es in der Adresszeile oder in den Einstellungen des Systems und versuchen Sie es noch einmal, oder nehmen Sie eine Datei.',
    missing: 'Dieses Mikrofon gibt es nicht. Schließen Sie eines an oder wählen Sie ein anderes.',
    busy: 'Ein anderes Programm benutzt das Mikrofon. Schließen Sie es und versuchen Sie es noch einmal.',
    unplugged: 'Das Mikrofon wurde abgezogen. Was bis dahin aufgenommen wurde, ist noch da.',
    failed: 'Das Mikrofon ließ sich nicht starten. Wählen Sie ein anderes, oder nehmen Sie eine Datei.',
  },
};
