/**
 * What a key may do. `read`: embed, compare, verify, identify, and look at what is stored; `enrol`: add and change
 * speakers and their recordings; `admin`: everything else, also what erases, exports or concerns the service itself.
 * `vectors` lets a key read what voices are recognised by: stored vectors, and who a stranger's voice is nearest to. No
 * other scope includes it.
 */
export const SCOPES = ['read', 'enrol', 'admin', 'vectors'] as const;

export type Scope = (typeof SCOPES)[number];

/** Scope of a call, or `public` where it needs no key. */
export type Access = Scope | 'public';
