import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { House } from './house.js';
import { ScriptedEngine } from './scripted-engine.js';
import { temporaryFolder } from './voices.js';

/** Of one bundle: the names that it had before models were named by their identity, and since. */
const FORMER = 'scripted@aaaabbbbcccc';
const NAMED = 'scripted@111122223333';
const manifest = {
  weightsDigest: { algorithm: 'xxh3-128', value: 'aaaabbbbccccddddaaaabbbbccccdddd' },
  identity: { algorithm: 'xxh3-128', value: '11112222333344441111222233334444' },
};

let folder: string;
let remove: () => Promise<void>;
let house: House | undefined;

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
});

afterEach(async () => {
  await house?.close();
  await remove();
});

/** The service as it was, with a speaker called ada, whose voice is 1. */
async function formerFolder(): Promise<void> {
  const former = await House.open(folder, new ScriptedEngine(FORMER, { manifest }));
  await former.enrolled('ada', 1);
  await former.close();
}

describe('a folder of before models were named by their identity', () => {
  it('answers to the same bundle, and takes new people beside the old ones', async () => {
    await formerFolder();
    house = await House.open(folder, new ScriptedEngine(NAMED, { manifest }));
    expect(house.model.origin().model).toBe(FORMER);
    expect(await house.verify('ada', { voice: 1, seed: 9 })).toMatchObject({ decision: 'ACCEPT' });
    await house.enrolled('bob', 2);
    expect(await house.identify({ voice: 1, seed: 10 })).toMatchObject({ speakerId: 'ada', gallerySize: 2 });
  });

  it('counts more recordings of a known speaker to the same profile', async () => {
    await formerFolder();
    house = await House.open(folder, new ScriptedEngine(NAMED, { manifest }));
    const { profile } = await house.enrol('ada', { voice: 1, seed: 20 });
    expect(profile?.members).toHaveLength(4);
  });

  it('is of another model where the bundle cuts pauses, which none did then', async () => {
    await formerFolder();
    const cuts = { ...manifest, pauses: { longest: 0.5 } };
    house = await House.open(folder, new ScriptedEngine(NAMED, { manifest: cuts }));
    expect(house.model.origin().model).toBe(NAMED);
    await expect(house.verify('ada', { voice: 1, seed: 9 })).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
  });

  it('is of another model where the front end is another', async () => {
    await formerFolder();
    house = await House.open(folder, new ScriptedEngine(NAMED, { manifest, window: 'povey' }));
    expect(house.model.origin().model).toBe(NAMED);
  });

  it('of a bundle that was renamed since answers to it under its new name', async () => {
    const former = await House.open(folder, new ScriptedEngine(NAMED, { manifest }));
    await former.enrolled('ada', 1);
    await former.close();
    const renamed = new ScriptedEngine('renamed@111122223333', { manifest: { ...manifest, id: 'renamed' } });
    house = await House.open(folder, renamed);
    expect(house.model.origin().model).toBe(NAMED);
    expect(await house.verify('ada', { voice: 1, seed: 9 })).toMatchObject({ decision: 'ACCEPT' });
  });

  it('does not give its name to a new folder', async () => {
    house = await House.open(folder, new ScriptedEngine(NAMED, { manifest }));
    expect(house.model.origin().model).toBe(NAMED);
    await house.enrolled('ada', 1);
    await house.close();
    house = await House.open(folder, new ScriptedEngine(NAMED, { manifest }));
    expect(house.model.origin().model).toBe(NAMED);
  });
});
