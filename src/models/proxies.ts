import { getProxyForUrl } from 'proxy-from-env';
import { Agent, Dispatcher, ProxyAgent } from 'undici';

/**
 * Sends every request, and every redirection of it, through the proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and
 * NO_PROXY name for its host, or directly. A connection that is silent for `silenceMs` is cut. `ca`: certificates to
 * trust instead of the usual ones, PEM.
 */
export function environmentProxies(silenceMs: number, ca?: string): Dispatcher {
  return new EnvironmentProxies(silenceMs, ca);
}

class EnvironmentProxies extends Dispatcher {
  private readonly routes = new Map<string, Dispatcher>();

  constructor(
    private readonly silenceMs: number,
    private readonly ca: string | undefined,
  ) {
    super();
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandlers): boolean {
    return this.route(getProxyForUrl(String(options.origin))).dispatch(options, handler);
  }

  private route(proxy: string): Dispatcher {
    let route = this.routes.get(proxy);
    if (!route) {
      const tls = this.ca === undefined ? {} : { ca: this.ca };
      const limits = {
        connect: { timeout: Math.min(10_000, this.silenceMs), ...tls },
        headersTimeout: this.silenceMs,
        bodyTimeout: this.silenceMs,
      };
      route =
        proxy === '' ? new Agent(limits) : new ProxyAgent({ uri: proxy, requestTls: tls, proxyTls: tls, ...limits });
      this.routes.set(proxy, route);
    }
    return route;
  }

  override async destroy(): Promise<void> {
    await Promise.all([...this.routes.values()].map((route) => route.destroy()));
  }
}

/** undici wraps what happened: `fetch failed` because of `connect ECONNREFUSED ...`. */
export function reason(error: unknown): string {
  let at = error;
  while (at instanceof Error && at.cause !== undefined) at = at.cause;
  return at instanceof Error ? at.message || ((at as NodeJS.ErrnoException).code ?? at.name) : String(at);
}
