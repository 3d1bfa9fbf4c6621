import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path/posix';
import type { EmbedOptions } from '../../addon/types.js';
import type { GroupRef } from '../../support/group-ref.js';
import type { Scope } from '../../support/scopes.js';
import { givenId } from './request-id.js';

/** What belongs to one request from its first byte to its answer. */
export interface RequestContext {
  readonly id: string;
  /** The service's own id for it, which the audit trail keeps: what a caller brings may tell of somebody. */
  readonly trailId: string;
  /** `performance.now()` when it came in. */
  readonly started: number;
  /** Id of the API key that the request was let in with; null where none was asked for. */
  keyId: string | null;
  /** What whoever makes the request may do; nothing until `AccessGuard` has decided. */
  scopes: readonly Scope[];
  /** Groups that whoever makes the request is bound to; undefined: to none. */
  groups: readonly GroupRef[] | undefined;
  /** The pattern of the route that takes it; empty until one has. */
  route: string;
  /** `performance.now()` when its time is up; Infinity until `RequestInterceptor` has set it. */
  deadline: number;
  /** Aborted when the client goes away before the answer. */
  readonly signal: AbortSignal;
  readonly abort: () => void;
}

const contexts = new WeakMap<IncomingMessage, RequestContext>();

/** Node's own request under Fastify's or Express's. */
export function rawRequest(request: { raw?: IncomingMessage } | IncomingMessage): IncomingMessage {
  return (request as { raw?: IncomingMessage }).raw ?? (request as IncomingMessage);
}

export function rawResponse(response: { raw?: ServerResponse } | ServerResponse): ServerResponse {
  return (response as { raw?: ServerResponse }).raw ?? (response as ServerResponse);
}

export function contextOf(request: { raw?: IncomingMessage } | IncomingMessage): RequestContext {
  const raw = rawRequest(request);
  let context = contexts.get(raw);
  if (!context) {
    const controller = new AbortController();
    const given = givenId(raw);
    const trailId = randomUUID();
    context = {
      id: given ?? trailId,
      trailId,
      started: performance.now(),
      keyId: null,
      scopes: [],
      groups: undefined,
      route: '',
      deadline: Infinity,
      signal: controller.signal,
      abort: () => controller.abort(),
    };
    contexts.set(raw, context);
  }
  return context;
}

/** The pattern of the route that a controller's method takes. */
export function routeOf(execution: ExecutionContext): string {
  const parts = [execution.getClass(), execution.getHandler()].map(
    (target) => Reflect.getMetadata(PATH_METADATA, target) as string | string[] | undefined,
  );
  const route = join('/', ...parts.map((part) => (Array.isArray(part) ? part[0] : part) ?? ''));
  return route.length > 1 ? route.replace(/\/$/, '') : route;
}

/** Milliseconds that the request has left, at least 1; undefined without a deadline. */
export function millisecondsLeft(context: RequestContext): number | undefined {
  return context.deadline === Infinity ? undefined : Math.max(1, Math.ceil(context.deadline - performance.now()));
}

/** What the engine is to keep to for this request. */
export function boundsOf(context: RequestContext): EmbedOptions {
  const timeoutMs = millisecondsLeft(context);
  return { signal: context.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

/** `@Bounds() bounds: EmbedOptions`: cancelled when the client goes away, out of time with the request. */
export const Bounds = createParamDecorator((_data: unknown, context: ExecutionContext): EmbedOptions => {
  return boundsOf(contextOf(context.switchToHttp().getRequest<IncomingMessage>()));
});
