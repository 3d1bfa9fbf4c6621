import { Injectable, Logger } from '@nestjs/common';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { contextOf, type RequestContext } from './request-context.js';

/** One request that has been answered or given up. */
export interface Exchange {
  method: string;
  /** The route's pattern; empty where none matched. */
  route: string;
  status: number;
  seconds: number;
}

/** Requests that operators' tools make all the time. */
const QUIET_ROUTES = /^\/(health|metrics)\b/;

/**
 * Every request from its first byte to its last: counted, and waited for at the end. Those of the service's own listeners
 * are logged; in another application it knows those of its own calls, from the moment that they reach them.
 */
@Injectable()
export class Traffic {
  private readonly logger = new Logger('Http');
  private readonly open = new Set<ServerResponse>();
  private readonly known = new WeakSet<ServerResponse>();
  private readonly servers = new Set<Server>();
  private readonly listeners = new Set<(exchange: Exchange) => void>();
  private readonly drains = new Set<() => void>();
  private quiet: (() => void) | undefined;
  private draining = false;
  private drained: Promise<void> | undefined;

  /** Whether the service has begun to stop: no new work. */
  get stopping(): boolean {
    return this.draining;
  }

  /** Whether the service is about to stop, and nobody should send it anything more. */
  get leaving(): boolean {
    return this.drained !== undefined;
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.open.size;
  }

  watch(server: Server): void {
    this.servers.add(server);
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      this.begin(request, response, true);
    });
  }

  /** A request that has reached one of the service's calls, on whichever listener. */
  follow(request: IncomingMessage, response: ServerResponse): void {
    this.begin(request, response, false);
  }

  listen(listener: (exchange: Exchange) => void): void {
    this.listeners.add(listener);
  }

  /** `listener` runs when the service begins to stop: what would go on for ever ends then. */
  onDrain(listener: () => void): void {
    this.drains.add(listener);
  }

  /**
   * Goes on for `leaveSeconds`, then accepts nothing new and waits for what is under way; after `seconds` calls `giveUp`,
   * which is to make the rest fail, and cuts what then still hangs on. A listener that is not the service's own is left to
   * its application.
   */
  drain(seconds: number, giveUp: () => Promise<void>, leaveSeconds = 0): Promise<void> {
    return (this.drained ??= this.drainNow(seconds, giveUp, leaveSeconds));
  }

  private async drainNow(seconds: number, giveUp: () => Promise<void>, leaveSeconds: number): Promise<void> {
    // Where the listener is not one's own, its application sends what it sends.
    if (this.servers.size > 0 && leaveSeconds > 0) await delay(leaveSeconds * 1000);
    const deadline = performance.now() + seconds * 1000;
    for (const end of this.drains) end();
    const ended = [...this.servers].map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeIdleConnections();
        }),
    );
    for (const response of this.open) closeAfter(response);
    // A connection that was taken a moment ago may bring its request yet.
    const late = new AbortController();
    await Promise.race([
      Promise.all(ended),
      delay(Math.min(ACCEPTED_MS, seconds * 1000), undefined, { signal: late.signal }),
    ]);
    late.abort();
    this.draining = true;
    if (!(await this.silence(Math.max(0, deadline - performance.now())))) {
      this.logger.warn(`${this.open.size} requests were not done after ${seconds} s`);
      await giveUp();
      await this.silence(LAST_WORDS_MS);
    }
    // What is left carries no answer: it is cut, or a connection that never asked anything would be waited for.
    for (const response of this.open) response.destroy();
    for (const server of this.servers) server.closeAllConnections();
  }

  private begin(request: IncomingMessage, response: ServerResponse, logged: boolean): void {
    if (this.known.has(response)) return;
    this.known.add(response);
    const context = contextOf(request);
    this.open.add(response);
    if (this.leaving) closeAfter(response);
    response.once('close', () => {
      this.open.delete(response);
      const seconds = (performance.now() - context.started) / 1000;
      const status = response.writableFinished ? response.statusCode : CLIENT_CLOSED;
      const exchange = { method: request.method ?? '', route: context.route, status, seconds };
      for (const listener of this.listeners) listener(exchange);
      if (logged) this.log(context, exchange);
      if (this.open.size === 0) this.quiet?.();
    });
  }

  private log({ id: requestId, trailId }: RequestContext, { method, route, status, seconds }: Exchange): void {
    const ms = Math.round(seconds * 1000);
    // What leads from the audit trail to a caller's id.
    const own = trailId === requestId ? {} : { trailId };
    const line = {
      requestId,
      ...own,
      method,
      route,
      status,
      ms,
      msg: `${method} ${route || '(no such call)'} ${status}`,
    };
    if (QUIET_ROUTES.test(route)) this.logger.debug(line);
    else this.logger.log(line);
  }

  /** True when no request is under way, false when the time is up first. */
  private silence(milliseconds: number): Promise<boolean> {
    if (this.open.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), milliseconds);
      this.quiet = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

/** What is logged and counted for a request whose client went away; the error table's ABORTED. */
const CLIENT_CLOSED = 499;

/** Time that connections get to bring a request that were taken before the listener was closed, of that of the drain. */
const ACCEPTED_MS = 500;

/** Time that failed requests get to send their answer. */
const LAST_WORDS_MS = 2000;

function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}
