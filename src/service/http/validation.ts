import { StandardSchemaValidationPipe } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';

/** One thing wrong with a request. */
export interface Issue {
  /** Dotted path into the value; empty for the value itself. */
  path: string;
  message: string;
}

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

const ISSUES_SHOWN = 20;

/**
 * The one validation of requests: a zod schema given where the parameter is declared,
 * `@Body({ schema: createSpeaker }) body: z.output<typeof createSpeaker>`. Objects are `z.strictObject`, so that a
 * misspelt field is an error. The same schema becomes the OpenAPI document.
 */
export function validationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({ exceptionFactory: (issues) => invalid(issues) });
}

/** `INVALID_ARGUMENT` that names every issue in its message and, as data, in its details. */
export function invalid(issues: readonly SchemaIssue[]): TimbreError {
  const found = issues.slice(0, ISSUES_SHOWN).map(toIssue);
  const text = found.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
  const more = issues.length > ISSUES_SHOWN ? `; and ${issues.length - ISSUES_SHOWN} more` : '';
  return new TimbreError('INVALID_ARGUMENT', text + more, { details: { issues: found } });
}

function toIssue({ path = [], message }: SchemaIssue): Issue {
  const keys = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment).slice(0, 100));
  return { path: keys.join('.'), message: message.slice(0, 300) };
}
