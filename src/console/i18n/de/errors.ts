import type { Messages } from '../en/index.js';

export const errors: Messages['errors'] = {
  unexpected: 'Auf dieser Seite ist etwas schiefgegangen.',
  sentences: {
    SERVICE_UNREACHABLE:
      'Der Dienst antwortet nicht. Prüfen Sie, ob er läuft und Sie verbunden sind, und versuchen Sie es noch einmal.',
    UNAUTHENTICATED:
      'Der Dienst nimmt diesen Schlüssel nicht an. Prüfen Sie, ob er vollständig ist und weder abgelaufen noch widerrufen.',
    RATE_LIMITED: 'Zu viele Anfragen in kurzer Zeit. Warten Sie einen Augenblick, dann versuchen Sie es noch einmal.',
    OVERLOADED: 'Der Dienst ist ausgelastet. Warten Sie einen Augenblick, dann versuchen Sie es noch einmal.',
    MODEL_NOT_READY: 'Das Modell wird noch geladen. Versuchen Sie es gleich noch einmal.',
  },
};
