import { SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../config/config.js';
import type { JsonLimits } from './json-reader.js';

/** Of a call that says nothing else: what a person, a consent or a setting takes, many times over. */
const USUAL: JsonLimits = { bytes: 64 * 1024, values: 1000 };

/** Nest's Fastify adapter puts what this holds into the route's config; its own decorator would need that package. */
const ROUTE_CONFIG = '__fastify_route_config__';

type LimitsOf = (config: Config) => JsonLimits;

/** Bounds of a call's JSON body where lists or recordings are part of it. */
export function TakesLargeJson(limits: LimitsOf): MethodDecorator {
  return SetMetadata(ROUTE_CONFIG, { jsonLimits: limits });
}

/** Of the call that a request is routed to. */
export function jsonLimitsOf(request: FastifyRequest, config: Config): JsonLimits {
  const { jsonLimits } = request.routeOptions.config as { jsonLimits?: LimitsOf };
  return jsonLimits?.(config) ?? { ...USUAL, bytes: Math.min(USUAL.bytes, config.maxJsonBytes) };
}
