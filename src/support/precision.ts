/** What a network multiplies in, as callers ask for it. */
export const PRECISIONS = ['auto', 'fp32', 'bf16', 'int8'] as const;

export type Precision = (typeof PRECISIONS)[number];
