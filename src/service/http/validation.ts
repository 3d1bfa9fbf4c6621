import { StandardSchemaValidationPipe, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
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

/** Fields of one object that no call has: it is refused before a message is made of their names. */
const MOST_FIELDS = 1000;

/**
 * The one validation of requests: a zod schema given where the parameter is declared,
 * `@Body({ schema: createSpeaker }) body: z.output<typeof createSpeaker>`. Objects are `z.strictObject`, so that a
 * misspelt field is an error. The same schema becomes the OpenAPI document.
 */
export function validationPipe(): PipeTransform {
  return new RequestValidation({ exceptionFactory: (issues) => invalid(issues) });
}

class RequestValidation extends StandardSchemaValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    if (metadata.type === 'body' && metadata.schema) {
      if (value === undefined) throw new TimbreError('INVALID_ARGUMENT', 'the body is empty; send JSON');
      checkFields(value);
    }
    return super.transform(value, metadata);
  }
}

/** Errors: BODY_TOO_LARGE. */
function checkFields(value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const { length } = Object.keys(value);
  if (length <= MOST_FIELDS) return;
  throw new TimbreError('BODY_TOO_LARGE', `an object has ${length} fields; no call takes more than ${MOST_FIELDS}`);
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
