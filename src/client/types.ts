import type { operations } from './schema.js';

/** Name of a call in the OpenAPI document of the service. */
export type OperationId = keyof operations;

/** Where a call is, and how its answer is read. */
export interface OperationRow {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `{name}` for each parameter in it. */
  path: string;
  /** Names of parameters. */
  query: readonly string[];
  headers: readonly string[];
  answer: 'json' | 'text' | 'stream' | 'none';
}

/** Of one call. */
export interface CallOptions {
  /** Ends the call with ABORTED. */
  signal?: AbortSignal;
}

type Place<Id extends OperationId, Name extends 'path' | 'query' | 'header'> = operations[Id]['parameters'] extends {
  [name in Name]?: infer Of;
}
  ? [NonNullable<Of>] extends [never]
    ? unknown
    : undefined extends operations[Id]['parameters'][Name]
      ? Partial<NonNullable<Of>>
      : NonNullable<Of>
  : unknown;

type Content<Id extends OperationId> = operations[Id] extends { requestBody: { content: infer Of } } ? Of : unknown;

/** JSON or a form, whichever the call takes; one of them where it takes both. */
type Body<Id extends OperationId> =
  Content<Id> extends { 'application/json': infer Json; 'multipart/form-data': infer Form }
    ? { json: Json; form?: never } | { form: Form; json?: never }
    : Content<Id> extends { 'application/json': infer Json }
      ? { json: Json }
      : Content<Id> extends { 'multipart/form-data': infer Form }
        ? { form: Form }
        : unknown;

/** What a call is given: its parameters by name, and `json` or `form`. */
export type Given<Id extends OperationId> = Place<Id, 'path'> & Place<Id, 'query'> & Place<Id, 'header'> & Body<Id>;

/** Of a call that has to be given nothing, both may be left out. */
export type Arguments<Id extends OperationId> =
  Partial<Given<Id>> extends Given<Id>
    ? [given?: Given<Id>, options?: CallOptions]
    : [given: Given<Id>, options?: CallOptions];

type AnswerOf<Response> = Response extends { content: infer Of }
  ? Of extends { 'application/json': infer Json }
    ? Json
    : Of extends { 'text/plain': string }
      ? string
      : Of extends Record<string, never>
        ? undefined
        : ReadableStream<Uint8Array>
  : undefined;

type Responses<Id extends OperationId> = operations[Id]['responses'];

/** What a call answers: its JSON, its text, its bytes as they come, or nothing. */
export type Answer<Id extends OperationId> = {
  [Status in keyof Responses<Id>]: AnswerOf<Responses<Id>[Status]>;
}[keyof Responses<Id>];

/** Calls that answer a list by pages. */
export type Paged = { [Id in OperationId]: Answer<Id> extends { nextCursor: string | null } ? Id : never }[OperationId];
