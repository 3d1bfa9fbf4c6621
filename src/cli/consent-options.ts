import type { Command } from 'commander';
import type { Given } from '../client/index.js';
import { TimbreError } from '../errors/timbre-error.js';

/** A consent as the service takes it. */
export type Consent = Given<'giveConsent'>['json'];

export interface ConsentOptions {
  consentText?: string;
  consentHow?: string;
  consentBy?: string;
  consentAt?: string;
}

/** The options of commands that add speakers: their consent with them. `whose`: for people. */
export function addConsentOptions(command: Command, whose: string): Command {
  return command
    .option('--consent-text <version>', `record ${whose} consent: which text was agreed to`)
    .option('--consent-how <method>', 'how it was given, with --consent-text')
    .option('--consent-by <who>', 'who gave it (default: the speaker)')
    .option('--consent-at <time>', 'when, ISO 8601 (default: now)');
}

/** Undefined where no consent is given. Errors: INVALID_ARGUMENT for one that lacks something. */
export function consentOf({ consentText, consentHow, consentBy, consentAt }: ConsentOptions): Consent | undefined {
  if (consentText === undefined && consentHow === undefined) {
    if (consentBy === undefined && consentAt === undefined) return undefined;
    throw new TimbreError('INVALID_ARGUMENT', 'a consent needs --consent-text and --consent-how');
  }
  if (consentText === undefined || consentHow === undefined) {
    throw new TimbreError('INVALID_ARGUMENT', '--consent-text and --consent-how belong together');
  }
  return {
    textVersion: consentText,
    method: consentHow,
    ...(consentBy !== undefined && { givenBy: consentBy }),
    ...(consentAt !== undefined && { givenAt: consentAt }),
  };
}
