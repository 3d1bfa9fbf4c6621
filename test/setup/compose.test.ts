import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readCompose, type Service } from '../../scripts/container/compose.mjs';
import { readDockerfile } from '../../scripts/container/dockerfile.mjs';
import { Config } from '../../src/service/config/config.js';
import { SETTINGS, type Setting } from '../../src/service/config/settings.js';

/** The compose files and the Dockerfile, as they are: no engine reads them here. */

const path = (name: string): string => fileURLToPath(new URL(`../../scripts/container/${name}`, import.meta.url));
const read = (name: string): string => readFileSync(path(name), 'utf8');

const settings: readonly Setting[] = Object.values(SETTINGS);
const variables = new Set(settings.map(({ env }) => env));
const image = readDockerfile(read('Dockerfile')).at(-1)!;

const FILES = ['compose.yaml', 'compose.stack.yaml'];
const services = FILES.flatMap((file) =>
  readCompose(path(file)).map((service) => [`${service.name} of ${file}`, service] as const),
);
const nodes = readCompose(path('compose.stack.yaml')).filter(({ built }) => built);

function serviceOf(name: string): Service {
  const found = readCompose(path('compose.stack.yaml')).find((service) => service.name === name);
  if (!found) throw new Error(`there is no service ${name}`);
  return found;
}

describe.each(services)('%s', (_, service) => {
  it('is of a version that stays the same', () => {
    if (service.built) expect(service.image).toMatch(/^timbre(:\w+)?$/);
    else expect(service.image).toMatch(/:\d+\.\d+(\.\d+)?-[a-z]+$/);
  });

  it('has bounds, and is started again', () => {
    expect(service.limits).toEqual({
      memory: expect.stringMatching(/^\d+[mg]$/),
      processors: expect.any(Number),
      processes: expect.any(Number),
    });
    expect(service.restart).toBe('unless-stopped');
    expect(service.stopSeconds).toBeGreaterThan(0);
  });

  it('is told to be healthy or not', () => {
    const test = service.health?.test ?? (service.built ? image.health : []);
    expect(test.length).toBeGreaterThan(0);
    if (service.health) expect(service.health.timeoutSeconds).toBeLessThan(service.health.intervalSeconds);
  });

  it('has no rights that it can do without', () => {
    expect(service).toMatchObject({ readOnly: true, securityOptions: ['no-new-privileges:true'] });
    expect(service.capabilities).toEqual({
      drop: ['ALL'],
      add: service.name === 'proxy' ? ['NET_BIND_SERVICE'] : [],
    });
  });

  it('is open to this machine alone', () => {
    for (const { published } of service.ports) expect(published).toMatch(/^127\.0\.0\.1:/);
  });

  it('has no secret in clear text', () => {
    for (const [name, value] of Object.entries(service.environment)) {
      if (/PASSWORD|KEY|SECRET|TOKEN/.test(name))
        expect([name, value]).toEqual([expect.stringMatching(/_FILE$/), value]);
      if (URL.canParse(value)) expect(new URL(value).password).toBe('');
      if (name.endsWith('_FILE') && value.startsWith('/run/secrets/')) {
        expect(service.secrets.map((secret) => `/run/secrets/${secret.name}`)).toContain(value);
      }
    }
    for (const { file } of service.secrets) {
      expect(read('../../.gitignore')).toContain('/scripts/container/secrets/');
      expect(read('../../.dockerignore')).toContain('scripts/container/secrets');
      expect(file).toMatch(/scripts\/container\/secrets\/[\w-]+$/);
    }
  });

  it('names settings that there are, with values that they take', () => {
    if (!service.built) return;
    expect(Object.keys(service.environment).filter((name) => !variables.has(name))).toEqual([]);
    expect(() => Config.of({}, { ...image.env, ...service.environment })).not.toThrow();
  });
});

describe('the image', () => {
  it('names settings that there are', () => {
    expect(Object.keys(image.env).filter((name) => !variables.has(name))).toEqual(['NODE_ENV']);
  });
});

describe('the stack', () => {
  it('has nodes that differ in nothing but their folders', () => {
    expect(nodes.map(({ name }) => name)).toEqual(['node-1', 'node-2']);
    const [one, other] = nodes.map(({ name: _, mounts: __, ...rest }) => rest);
    expect(one).toEqual(other);
    const folders = nodes.map(({ mounts }) => mounts.map(({ volume, at }) => ({ volume, at })));
    expect(folders).toEqual(nodes.map(({ name }) => [{ volume: name, at: image.env['TIMBRE_DATA_DIR'] }]));
  });

  it.each(nodes.map((node) => [node.name, node] as const))('gives %s time to drain, and connections', (_, node) => {
    const config = Config.of({}, { ...image.env, ...node.environment });
    expect(node.stopSeconds).toBeGreaterThan(config.leaveSeconds + config.drainSeconds + 5);
    const [interval, timeout] = ['interval', 'timeout'].map(
      (of) => new RegExp(`health_${of} (\\d+)s`).exec(read('Caddyfile'))?.[1],
    );
    expect(config.leaveSeconds).toBeGreaterThan(Number(interval) + Number(timeout));
    expect(config.workers).toBe(node.limits.processors);
    const [, connections] = /--max_connections=(\d+)/.exec(serviceOf('database').command.join(' ')) ?? [];
    expect(Number(connections)).toBeGreaterThan(nodes.length * (config.databasePool + 1));
  });

  it('lets the proxy reach the nodes, and the nodes alone the database', () => {
    const on = (network: string): string[] =>
      readCompose(path('compose.stack.yaml')).flatMap(({ name, networks }) =>
        networks.includes(network) ? [name] : [],
      );
    expect(on('back')).toEqual(['database', 'node-1', 'node-2']);
    expect(on('front')).toEqual(['node-1', 'node-2', 'proxy']);
  });

  it('has a proxy that knows every node, takes what they take, and waits as long as they do', () => {
    const text = read('Caddyfile');
    expect(/reverse_proxy (.+) \{/.exec(text)?.[1]).toBe(nodes.map(({ name }) => `${name}:3000`).join(' '));
    const { maxRequestBytes, requestSeconds } = Config.of();
    expect(Number(/max_size (\d+)MiB/.exec(text)?.[1]) * 2 ** 20).toBeGreaterThan(maxRequestBytes);
    expect(Number(/response_header_timeout (\d+)s/.exec(text)?.[1])).toBeGreaterThan(requestSeconds);
  });
});

describe('the proxies of docs/proxies.md', () => {
  it('take what the service takes', () => {
    const { maxRequestBytes } = Config.of();
    for (const [name, limit] of [
      ['nginx.conf', /client_max_body_size (\d+)m;/],
      ['Caddyfile', /max_size (\d+)MiB/],
    ] as const) {
      const [, size] = limit.exec(read(`../proxy/${name}`)) ?? [];
      expect([name, Number(size) * 2 ** 20 > maxRequestBytes]).toEqual([name, true]);
    }
  });
});
