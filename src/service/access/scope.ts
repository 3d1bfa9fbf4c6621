import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { Access, Scope } from '../../support/scopes.js';

export const ACCESS_METADATA = Symbol('access');

/** Of an operation in the OpenAPI document: its `Access`. */
export const ACCESS_EXTENSION = 'x-scope';

/** What a call asks of whoever makes it. */
export interface AccessRule {
  access: Access;
  /** A setting that, when on, makes the call public. */
  unless?: 'openMetrics';
}

/** The scope that calls of a controller need, or one call of it. A call without this decorator needs `admin`. */
export function RequireScope(scope: Scope, options: Pick<AccessRule, 'unless'> = {}): MethodDecorator & ClassDecorator {
  return rule({ access: scope, ...options });
}

/** Needs no key: nothing that it tells or does is worth one. */
export function Public(): MethodDecorator & ClassDecorator {
  return rule({ access: 'public' });
}

function rule(of: AccessRule): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(ACCESS_METADATA, of), ApiExtension(ACCESS_EXTENSION, of.access));
}
