import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import type { IncomingMessage, Server } from 'node:http';
import { discardRest } from '../http/discard-rest.js';
import { contextOf, rawRequest, routeOf } from '../http/request-context.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { Config } from '../config/config.js';
import { allows, type ApiKey } from './api-key.js';
import { KeyRing } from './key-ring.js';
import { listensOnLoopback } from './loopback.js';
import { checkOrigin } from './origin.js';
import { presentedKey } from './presented-key.js';
import { RequestRate } from './request-rate.js';
import { ACCESS_METADATA, type AccessRule } from './scope.js';

/** Of the requests under way: Nest makes a guard for every module. */
const decisions = new WeakMap<IncomingMessage, Promise<ApiKey | null>>();

/** Lets in who may, before anything of the body of a form is read. A key that is sent is checked, needed or not. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    protected readonly config: Config,
    private readonly keys: KeyRing,
    private readonly rate: RequestRate,
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
      if (key && !allows(key, rule.access)) {
        const has = key.scopes.join(', ');
        throw new TimbreError(
          'FORBIDDEN_SCOPE',
          `the call needs the scope ${rule.access}, the key ${key.id} has ${has}`,
        );
      }
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

  /** Whether calls need a key on this listener. */
  protected keysRequired(): boolean {
    const { requireKeys } = this.config;
    return requireKeys === 'always' || (requireKeys === 'auto' && !this.onLoopback());
  }

  private async decide(request: IncomingMessage): Promise<ApiKey | null> {
    const address = request.socket.remoteAddress ?? '';
    try {
      const text = presentedKey(request.headers);
      if (text !== undefined) {
        const key = await this.keys.authenticate(text);
        contextOf(request).keyId = key.id;
        await this.rate.ofKey(key.id);
        return key;
      }
      if (this.keysRequired()) throw await this.missing();
    } catch (error) {
      if (error instanceof TimbreError && error.code === 'UNAUTHENTICATED') await this.rate.ofAddress(address);
      throw error;
    }
    if (this.config.requireKeys === 'auto' && this.onLoopback()) checkOrigin(request.headers, this.config);
    await this.rate.ofAddress(address);
    return null;
  }

  private onLoopback(): boolean {
    const server = this.host.httpAdapter.getHttpServer() as Server;
    return listensOnLoopback(server.address());
  }

  private async missing(): Promise<TimbreError> {
    const how = 'send an API key as "Authorization: Bearer <key>" or "X-API-Key: <key>"';
    const none = (await this.keys.holdsAny()) ? '' : '; the database has none yet, make one with `timbre keys create`';
    return new TimbreError('UNAUTHENTICATED', `${how}${none}`);
  }
}
