/**
 * What a key may do. `read`: embed, compare, verify, identify, and look at what is stored; `enrol`: add and change
 * speakers and their recordings; `admin`: everything, also what erases, exports or concerns the service itself.
 */
export const SCOPES = ['read', 'enrol', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

/** Scope of a call, or `public` where it needs no key. */
export type Access = Scope | 'public';
