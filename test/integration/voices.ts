import { createHash, randomUUID } from 'node:crypto';
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Enrollment } from '../../src/service/records/enrollment.js';
import type { EmbeddingOrigin } from '../../src/service/records/embedding.js';
import { newSpeaker, type Speaker } from '../../src/service/records/speaker.js';

export const ORIGIN: EmbeddingOrigin = { model: 'test@0123456789ab', frontEnd: 'kaldi-0123456789ab' };

/** A folder of its own for one test, and the way to remove it. */
export async function temporaryFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'timbre-test-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A data folder of the fixtures; git keeps no permissions. */
export async function copyFixture(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
  await chmod(to, 0o700);
  await chmod(join(to, 'data.key'), 0o600);
}

export function speaker(id: string, at = 1_000): Speaker {
  return newSpeaker({ id, name: `Name of ${id}` }, new Date(at));
}

export function enrollment(speakerId: string, seed: string, overrides: Partial<Enrollment> = {}): Enrollment {
  return {
    id: randomUUID(),
    speakerId,
    createdAt: new Date(2_000),
    fileName: `${seed}.wav`,
    contentSha256: createHash('sha256').update(seed).digest('hex'),
    origin: ORIGIN,
    embedding: Float32Array.from({ length: 192 }, (_, i) => Math.sin(i + seed.length) * 3),
    measures: {
      audioSeconds: 12.5,
      speechSeconds: 10.25,
      sampleRate: 16_000,
      channels: 1,
      snrDb: 21.5,
      clippedShare: 0,
      bandwidthHz: 7_600,
      levelDb: -23.5,
    },
    verdict: { accepted: true, reasons: [], quality: 'GOOD' },
    kind: 'enrolled',
    setAside: null,
    ...overrides,
  };
}
