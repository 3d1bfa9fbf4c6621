import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';

export const BOUND_METADATA = Symbol('bound keys');

/** Of an operation in the OpenAPI document: its `BoundRule`; `refused` where it has none. */
export const BOUND_EXTENSION = 'x-bound-keys';

/**
 * What a call does for a key that is bound to groups. `members`: whatever it names, lists or changes is of those groups, and
 * everything else is answered as if it were not there. `anything`: it tells of nobody who is stored. `refused`: it concerns more
 * than some groups.
 */
export type BoundRule = 'members' | 'anything' | 'refused';

/** Lets bound keys make the calls of a controller, or one call of it. A call without this decorator refuses them. */
export function BoundKeys(rule: BoundRule): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(BOUND_METADATA, rule), ApiExtension(BOUND_EXTENSION, rule));
}
