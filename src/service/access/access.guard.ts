import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import type { IncomingMessage, Server } from 'node:http';
import { discardRest } from '../http/discard-rest.js';
import { contextOf, rawRequest, routeOf } from '../http/request-context.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { SCOPES, type Scope } from '../../support/scopes.js';
import { LOCAL_KEY_FILE } from '../../support/key-file.js';
import { Config } from '../config/config.js';
import { requireScope, type ApiKey } from './api-key.js';
import { KeyRing } from './key-ring.js';
import { listensOnLoopback } from './loopback.js';
import { checkLocalCaller, checkPage } from './local-caller.js';
import { presentedKey } from './presented-key.js';
import { RefusedKeys } from './refused-keys.js';
import { RequestRate } from './request-rate.js';
import { BOUND_METADATA, type BoundRule } from './bound-keys.js';
import { ACCESS_METADATA, type AccessRule } from './scope.js';

/** `local`: programs of this machine; `application`: whom the application around the module lets in. */
export type Keyless = 'nobody' | 'local' | 'anybody' | 'application';

const NO_KEY =
  'send an API key as "Authorization: Bearer <key>" or "X-API-Key: <key>"; on this machine, ' +
  `curl -H @<data folder>/${LOCAL_KEY_FILE} does it`;

/** Of the requests under way: Nest makes a guard for every module. */
const decisions = new WeakMap<IncomingMessage, Promise<ApiKey | null>>();

/** Lets in who may, before anything of the body of a form is read. A key that is sent is checked, needed or not. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    protected readonly config: Config,
    private readonly keys: KeyRing,
    private readonly rate: RequestRate,
    private readonly refused: RefusedKeys,
    private readonly reflector: Reflector,
    private readonly host: HttpAdapterHost,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = rawRequest(execution.switchToHttp().getRequest<IncomingMessage>());
    contextOf(request).route = routeOf(execution);
    const targets = [execution.getHandler(), execution.getClass()];
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(ACCESS_METADATA, targets) ?? {
      access: 'admin',
    };
    if (rule.access === 'public' || (rule.unless && this.config[rule.unless])) return true;
    try {
      const key = await this.identify(request);
      if (key) requireScope(key, rule.access);
      const bound = this.reflector.getAllAndOverride<BoundRule | undefined>(BOUND_METADATA, targets) ?? 'refused';
      if (key?.groups && bound === 'refused') throw forbiddenGroup(key);
    } catch (error) {
      discardRest(request);
      throw error;
    }
    return true;
  }

  /**
   * The key that a request brings, null where it needs none and brings none; decided once for each request.
   * Errors: UNAUTHENTICATED, FORBIDDEN_ORIGIN, RATE_LIMITED; those of the storage.
   */
  identify(request: IncomingMessage): Promise<ApiKey | null> {
    let decision = decisions.get(request);
    if (!decision) decisions.set(request, (decision = this.decide(request)));
    return decision;
  }

  /** Who may call this listener without a key. */
  protected withoutKey(): Keyless {
    const { requireKeys } = this.config;
    if (requireKeys === 'application') return 'application';
    return requireKeys === 'never' && this.onLoopback() ? 'local' : 'nobody';
  }

  protected onLoopback(): boolean {
    const server = this.host.httpAdapter.getHttpServer() as Server;
    return listensOnLoopback(server.address());
  }

  private async decide(request: IncomingMessage): Promise<ApiKey | null> {
    const address = request.socket.remoteAddress ?? '';
    let text: string | undefined;
    try {
      text = presentedKey(request.headers);
      if (text !== undefined) {
        const key = await this.keys.authenticate(text);
        contextOf(request).keyId = key.by ?? key.id;
        contextOf(request).scopes = key.scopes;
        contextOf(request).groups = key.groups ?? undefined;
        await this.rate.ofKey(key.id);
        return key;
      }
      contextOf(request).scopes = this.admitWithoutKey(request);
    } catch (error) {
      if (!(error instanceof TimbreError) || error.code === 'RATE_LIMITED') throw error;
      if (text !== undefined && error.code === 'UNAUTHENTICATED') this.refused.note(request, text, error);
      if (['UNAUTHENTICATED', 'FORBIDDEN_ORIGIN'].includes(error.code)) await this.rate.ofAddress(address);
      throw error;
    }
    await this.rate.ofAddress(address);
    return null;
  }

  /** What the request may do. Errors: UNAUTHENTICATED, FORBIDDEN_ORIGIN. */
  private admitWithoutKey(request: IncomingMessage): readonly Scope[] {
    switch (this.withoutKey()) {
      case 'nobody':
        throw new TimbreError('UNAUTHENTICATED', NO_KEY);
      case 'local':
        checkLocalCaller(request);
        return ['admin'];
      case 'anybody':
        checkPage(request.headers, this.config.corsOrigins);
        return ['read'];
      case 'application':
        return SCOPES;
    }
  }
}

function forbiddenGroup({ id }: ApiKey): TimbreError {
  return new TimbreError(
    'FORBIDDEN_GROUP',
    `the call concerns more than the groups that the key ${id} is bound to; it takes a key that is bound to none`,
  );
}
