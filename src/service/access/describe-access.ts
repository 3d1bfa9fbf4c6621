import type { OpenAPIObject } from '@nestjs/swagger';
import { addError, type Responses } from '../http/api-errors.js';
import { BOUND_EXTENSION, type BoundRule } from './bound-keys.js';
import { ACCESS_EXTENSION } from './scope.js';
import type { Access } from '../../support/scopes.js';

interface Operation {
  description?: string;
  security?: Record<string, string[]>[];
  requestBody?: { content?: Record<string, unknown> };
  responses: Responses;
  [ACCESS_EXTENSION]?: Access;
  [BOUND_EXTENSION]?: BoundRule;
}

/** What each of these answers is for; any call with a scope can have them. */
const REFUSALS = [
  'UNAUTHENTICATED',
  'FORBIDDEN_SCOPE',
  'FORBIDDEN_ORIGIN',
  'RATE_LIMITED',
  'STORAGE_UNAVAILABLE',
  'STORAGE_INVALID',
] as const;

/** For people. */
const BOUND: Readonly<Record<BoundRule, string>> = {
  members: 'A key that is bound to groups reaches their members alone.',
  anything: 'A key that is bound to groups may make it.',
  refused: 'A key that is bound to groups is refused.',
};

/** What is wrong with a body of JSON before anybody looks at what it says. */
const OF_BODIES = ['BODY_TOO_LARGE', 'CONTENT_TYPE_UNSUPPORTED', 'OVERLOADED', 'DEADLINE_EXCEEDED'] as const;

/** Adds to each operation what it needs and how it is refused, from the decorators of its controller. */
export function describeAccess({ paths }: OpenAPIObject): void {
  for (const path of Object.values(paths)) {
    for (const operation of Object.values(path as Record<string, Operation>)) describe(operation);
  }
}

function describe(operation: Operation): void {
  const { content } = operation.responses['400'] ?? {};
  // While the service stops.
  addError(operation.responses, 'ENGINE_CLOSED', content);
  if (operation.requestBody?.content?.['application/json']) {
    for (const code of OF_BODIES) addError(operation.responses, code, content);
  }
  for (const response of Object.values(operation.responses)) tellOnce(response);
  const access = operation[ACCESS_EXTENSION] ?? 'admin';
  if (access === 'public') return;
  // Either, or none where the service asks for none.
  operation.security = [{ bearer: [] }, { apiKey: [] }, {}];
  const bound = operation[BOUND_EXTENSION] ?? 'refused';
  const needs = `Needs a key of the scope \`${access}\` where the service asks for keys. ${BOUND[bound]}`;
  if (bound === 'refused') addError(operation.responses, 'FORBIDDEN_GROUP', content);
  operation.description = operation.description ? `${operation.description}\n\n${needs}` : needs;
  for (const code of REFUSALS) addError(operation.responses, code, content);
}

/** What several decorators of a call say of one status is a line each, and none twice. */
function tellOnce(response: { description?: string }): void {
  if (!response.description) return;
  const lines = response.description.split(/<br>|\n\n(?=`[A-Z_]+`:)/);
  response.description = [...new Set(lines)].join('<br>');
}
