import { getProxyForUrl } from 'proxy-from-env';
import { Agent, Dispatcher, ProxyAgent } from 'undici';

/**
 * Sends every request, and every redirection of it, through the proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and
 * NO_PROXY name for its host, or directly. A connection that is silent for `silenceMs` is cut.
 */
export function environmentProxies(silenceMs: number): Dispatcher {
  return new EnvironmentProxies(silenceMs);
}

class EnvironmentProxies extends Dispatcher {
  private readonly routes = new Map<string, Dispatcher>();

  constructor(private readonly silenceMs: number) {
    super();
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandlers): boolean {
    return this.route(getProxyForUrl(String(options.origin))).dispatch(options, handler);
  }

  private route(proxy: string): Dispatcher {
    let route = this.routes.get(proxy);
    if (!route) {
      const limits = {
        connect: { timeout: Math.min(10_000, this.silenceMs) },
        headersTimeout: this.silenceMs,
        bodyTimeout: this.silenceMs,
      };
      route = proxy === '' ? new Agent(limits) : new ProxyAgent({ uri: proxy, ...limits });
      this.routes.set(proxy, route);
    }
    return route;
  }

  override async destroy(): Promise<void> {
    await Promise.all([...this.routes.values()].map((route) => route.destroy()));
  }
}
