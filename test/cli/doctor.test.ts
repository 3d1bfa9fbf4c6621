import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHECKPOINT, timbre } from './support.js';

interface Report {
  healthy: boolean;
  findings: { name: string; status: string; value: string; remedy?: string }[];
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-doctor-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function doctor(env: NodeJS.ProcessEnv): Promise<{ status: number; report: Report }> {
  const { status, stdout } = await timbre(['doctor', '--json'], { env });
  return { status, report: JSON.parse(stdout) as Report };
}

describe('doctor', () => {
  test('finds what is installed, and the bundles', async () => {
    const env = { MODEL_CACHE_DIR: join(folder, 'models') };
    await timbre(['models', 'add', CHECKPOINT, '--family', 'speechbrain', '--id', 'tiny'], { env });
    await writeFile(join(folder, 'models', 'junk.pt'), 'no bundle');
    const { status, report } = await doctor(env);
    expect({ status, healthy: report.healthy }).toEqual({ status: 0, healthy: true });
    const found = new Map(report.findings.map((finding) => [finding.name, finding]));
    expect(found.get('Node.js')).toMatchObject({ status: 'ok', value: process.versions.node });
    expect(found.get('addon')!.value).toMatch(/timbre\.node$/);
    expect(found.get('LibTorch')!.value).toMatch(/^\d+\.\d+\.\d+, kernels for \w+/);
    expect(found.get('packages of the service')).toEqual({
      name: 'packages of the service',
      status: 'ok',
      value: 'installed',
    });
    expect(found.get('libsndfile')!.status).toBe('ok');
    expect(found.get('libsoxr')!.status).toBe('ok');
    expect(found.get('containment of decoders')!.status).not.toBe('missing');
    expect(found.get('model tiny')!.value).toContain('untrained');
    expect(found.get('model junk')).toMatchObject({ status: 'note', value: 'damaged' });
    const { status: textStatus, stdout } = await timbre(['doctor'], { env });
    expect(textStatus).toBe(0);
    expect(stdout).toMatch(/^ok +glibc +2\./m);
  });

  test('shows the variables that matter, and no secret', async () => {
    const { report } = await doctor({
      MODEL_CACHE_DIR: folder,
      TIMBRE_API_KEY: 'hunter2',
      HTTPS_PROXY: 'http://user:hunter2@proxy.example:3128',
      UNRELATED: 'x',
    });
    const values = Object.fromEntries(report.findings.map(({ name, value }) => [name, value]));
    expect(values).toMatchObject({ TIMBRE_API_KEY: 'set', HTTPS_PROXY: 'http://proxy.example:3128' });
    expect(JSON.stringify(report)).not.toMatch(/hunter2|UNRELATED/);
  });
});
