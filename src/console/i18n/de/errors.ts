import type { Messages } from '../en/index.js';

export const errors: Messages['errors'] = {
  unexpected: 'Auf dieser Seite ist etwas schiefgegangen.',
  sentences: {
    SERVICE_UNREACHABLE:
      'Der Dienst antwortet nicht. Prüfen Sie, ob er läuft und Sie verbunden sind, und versuchen Sie es noch einmal.',
    UNAUTHENTICATED:
      'Der Dienst nimmt diesen Schlüssel nicht an. Prüfen Sie, ob er vollständig ist und weder abgelaufen noch widerrufen.',
    FORBIDDEN_SCOPE: 'Ihr Schlüssel darf das nicht. Melden Sie sich mit einem an, der es darf.',
    FORBIDDEN_GROUP: 'Ihr Schlüssel ist an Gruppen gebunden, und dies betrifft mehr als diese.',
    RATE_LIMITED: 'Zu viele Anfragen in kurzer Zeit. Warten Sie einen Augenblick, dann versuchen Sie es noch einmal.',
    OVERLOADED: 'Der Dienst ist ausgelastet. Warten Sie einen Augenblick, dann versuchen Sie es noch einmal.',
    MODEL_NOT_READY: 'Das Modell wird noch geladen. Versuchen Sie es gleich noch einmal.',
    SPEAKER_NOT_FOUND: 'Niemand hat diese Kennung.',
    GROUP_NOT_FOUND: 'Es gibt keine Gruppe mit dieser Kennung.',
    GROUP_EXISTS: 'Es gibt schon eine Gruppe mit dieser Kennung. Wählen Sie eine andere.',
    GROUP_IN_USE: 'An diese Gruppe sind API-Schlüssel gebunden. Widerrufen Sie diese zuerst.',
    RECORDING_NOT_KEPT: 'Der Ton dieser Aufnahme wird nicht mehr aufbewahrt.',
    WEBHOOK_NOT_FOUND: 'Diesen Webhook gibt es nicht mehr.',
    CALIBRATION_NOT_FOUND: 'Diese Kalibrierung gibt es nicht mehr.',
    CALIBRATION_IN_USE: 'Diese Kalibrierung ist in Gebrauch. Verwenden Sie zuerst eine andere oder die des Modells.',
    CALIBRATION_FIXED:
      'Der Betreiber hat die Kalibrierung genannt, die entscheidet. Gesicherte werden so lange nicht verwendet.',
    CONFLICT: 'Jemand anders hat das inzwischen geändert. Sehen Sie es sich noch einmal an, dann wiederholen Sie es.',
    CONSENT_REQUIRED: 'Es ist keine Einwilligung dieser Person festgehalten. Halten Sie sie zuerst fest.',
    OPTED_OUT: 'Diese Person hat widerrufen und wird weder aufgenommen noch erkannt.',
    LEDGER_ENTRY_UNDONE: 'Diese Änderung wurde schon zurückgenommen.',
    LEDGER_ENTRY_FINAL: 'Das lässt sich nicht mehr zurücknehmen: Woraus es gemacht war, ist nicht mehr so da.',
    UNKNOWN_VOICE_SETTLED: 'Jemand hat schon gesagt, was diese Stimme ist. Nehmen Sie das zuerst zurück, im Protokoll.',
    AUDIO_UNSUPPORTED:
      'Das ist keine Aufnahme, die hier gelesen werden kann. Speichern Sie sie als WAV, FLAC oder MP3 und versuchen Sie es noch einmal.',
    AUDIO_CORRUPT:
      'Die Aufnahme ist beschädigt oder leer. Nehmen Sie neu auf, oder nehmen Sie eine andere Kopie der Datei.',
    AUDIO_TOO_SHORT: 'Die Aufnahme ist zu kurz. Sprechen Sie einige Sekunden lang.',
    AUDIO_TOO_LONG: 'Die Aufnahme ist zu lang. Teilen Sie sie.',
    AUDIO_TOO_LARGE: 'Die Datei ist zu groß. Kürzen Sie sie, oder speichern Sie sie als FLAC oder Opus.',
    BODY_TOO_LARGE: 'Das sind mehr oder größere Dateien, als auf einmal angenommen werden. Senden Sie weniger.',
    CHANNELS_DIFFER:
      'Auf den Kanälen dieser Aufnahme sprechen verschiedene Menschen. Speichern Sie den einen, der gemeint ist.',
    SEVERAL_VOICES: 'Es ist mehr als eine Stimme zu hören. Nehmen Sie eine Person allein auf.',
    NO_SPEECH:
      'In dieser Aufnahme ist niemand zu hören. Prüfen Sie das Mikrofon und den Pegel und sprechen Sie noch einmal.',
    STORAGE_FULL: 'Die Platte des Dienstes ist voll. Es wurde nichts gespeichert; sagen Sie es, wer ihn betreibt.',
    STORAGE_UNAVAILABLE: 'Die Datenbank ist beschäftigt. Versuchen Sie es gleich noch einmal.',
    DEADLINE_EXCEEDED: 'Es hat zu lange gedauert. Versuchen Sie es noch einmal, oder mit einer kürzeren Aufnahme.',
  },
};
