import type { OpenAPIObject } from '@nestjs/swagger';
import { ERROR_CODES, type ErrorCode } from '../../errors/error-codes.js';
import { ACCESS_EXTENSION } from './scope.js';
import type { Access } from '../../support/scopes.js';

interface Operation {
  description?: string;
  security?: Record<string, string[]>[];
  responses: Record<string, { description?: string; content?: unknown }>;
  [ACCESS_EXTENSION]?: Access;
}

/** What each of these answers is for; any call with a scope can have them. */
const REFUSALS = [
  'UNAUTHENTICATED',
  'FORBIDDEN_SCOPE',
  'FORBIDDEN_ORIGIN',
  'RATE_LIMITED',
  'STORAGE_UNAVAILABLE',
] as const;

/** Adds to each operation what it needs and how it is refused, from the decorators of its controller. */
export function describeAccess({ paths }: OpenAPIObject): void {
  for (const path of Object.values(paths)) {
    for (const operation of Object.values(path as Record<string, Operation>)) describe(operation);
  }
}

function describe(operation: Operation): void {
  const access = operation[ACCESS_EXTENSION] ?? 'admin';
  if (access === 'public') return;
  // Either, or none where the service asks for none.
  operation.security = [{ bearer: [] }, { apiKey: [] }, {}];
  const needs = `Needs a key of the scope \`${access}\` where the service asks for keys.`;
  operation.description = operation.description ? `${operation.description}\n\n${needs}` : needs;
  const { content } = operation.responses['400'] ?? {};
  for (const code of REFUSALS) addRefusal(operation.responses, code, content);
}

function addRefusal(responses: Operation['responses'], code: ErrorCode, content: unknown): void {
  const { http, means } = ERROR_CODES[code];
  const line = `\`${code}\`: ${means}`;
  const response = (responses[String(http)] ??= content === undefined ? {} : { content });
  if (response.description?.includes(`\`${code}\``)) return;
  response.description = response.description ? `${response.description}<br>${line}` : line;
}
