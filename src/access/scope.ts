import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';

/**
 * What a key may do. `read`: embed, compare, verify, identify, and look at what is stored; `enrol`: add and change
 * speakers and their recordings; `admin`: everything, also what erases, exports or concerns the service itself.
 */
export const SCOPES = ['read', 'enrol', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

/** Scope of a call, or `public` where it needs no key. */
export type Access = Scope | 'public';

export const ACCESS_METADATA = Symbol('access');

/** Of an operation in the OpenAPI document: its `Access`. */
export const ACCESS_EXTENSION = 'x-scope';

/** The scope that calls of a controller need, or one call of it. A call without this decorator needs `admin`. */
export function RequireScope(scope: Scope): MethodDecorator & ClassDecorator {
  return access(scope);
}

/** Needs no key: nothing that it tells or does is worth one. */
export function Public(): MethodDecorator & ClassDecorator {
  return access('public');
}

function access(of: Access): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(ACCESS_METADATA, of), ApiExtension(ACCESS_EXTENSION, of));
}
