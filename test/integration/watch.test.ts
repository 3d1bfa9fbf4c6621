import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Delivery } from '../../src/service/records/webhook.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import { actAs } from '../../src/support/actor.js';
import { House } from './house.js';
import { EXPONENTIAL_TAIL, ScriptedEngine } from './scripted-engine.js';
import { temporaryFolder } from './voices.js';

const RATE = 0.001;
const HOOK = '5f0d9b6e-2c3b-4f6a-9a55-0b1f3c8d7e21';

let house: House;
let folder: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
  await open();
  await house.store.transaction(({ webhooks }) =>
    webhooks.insert({
      id: HOOK,
      url: 'https://app.example/hook',
      events: ['watch.matched', 'webhook.test'],
      secret: Buffer.alloc(32, 1),
      createdAt: new Date(),
      goneAt: null,
    }),
  );
  for (const id of ['banned', 'staff']) await house.groups.create({ id });
  await house.enrolled('mallory', 1);
  await house.enrolled('ada', 2);
  await house.groups.join('banned', 'mallory');
  await house.groups.join('staff', 'ada');
});

afterEach(async () => {
  await house.close();
  await remove();
});

async function open(
  settings: ConfigInput = {},
  engine = new ScriptedEngine(undefined, { impostorTail: EXPONENTIAL_TAIL }),
) {
  house = await House.open(folder, engine, settings);
}

async function told(): Promise<Delivery[]> {
  await house.watch.settled();
  return house.store.read(({ webhooks }) => webhooks.deliveries(HOOK, null, 100));
}

const events = async (): Promise<unknown[]> =>
  (await told()).map(({ body }) => (JSON.parse(body) as { data: unknown }).data);

async function trail(): Promise<{ action: string; object: string | null; outcome: string | null }[]> {
  await house.watch.settled();
  const entries = await house.store.read(({ audit }) => audit.page({}, null, 1000));
  return entries.filter(({ action }) => action.startsWith('watch.'));
}

const results = (): string[] => house.counted.filter((one) => one.startsWith('timbre_watch_total'));

describe('a watch list', () => {
  it('reports a member who is heard in an identification, and the answer is as it was', async () => {
    const before = await house.identify({ voice: 1, seed: 50 });
    expect(await events()).toEqual([]);
    await house.watch.set('banned', RATE);
    expect(await house.identify({ voice: 1, seed: 50 })).toEqual(before);
    expect(await events()).toEqual([
      {
        group: 'banned',
        speakerId: 'mallory',
        decision: 'ACCEPT',
        llr: expect.any(Number),
        falseAcceptRate: RATE,
        gallerySize: 1,
        from: 'identification',
        conversation: null,
      },
    ]);
    const { uid } = await house.groups.get('banned');
    expect(await trail()).toMatchObject([
      { action: 'watch.set', object: uid },
      { action: 'watch.matched', object: uid, outcome: 'identification' },
    ]);
    expect(results()).toEqual(['timbre_watch_total matched']);
  });

  it('reports a member who claims to be somebody else', async () => {
    await house.watch.set('banned', RATE);
    expect((await house.verify('ada', { voice: 1, seed: 50 })).decision).toBe('REJECT');
    expect(await events()).toMatchObject([{ speakerId: 'mallory', from: 'verification' }]);
  });

  it('reports nobody else', async () => {
    await house.watch.set('banned', RATE);
    expect((await house.verify('ada', { voice: 2, seed: 50 })).decision).toBe('ACCEPT');
    await house.identify({ voice: 9, seed: 50 });
    expect(await events()).toEqual([]);
    expect(results()).toEqual(['timbre_watch_total none', 'timbre_watch_total none']);
  });

  it('reports nobody of a group that is none any more', async () => {
    await house.watch.set('banned', RATE);
    await house.watch.end('banned');
    await house.identify({ voice: 1, seed: 50 });
    expect(await events()).toEqual([]);
    expect(results()).toEqual([]);
    expect(await house.watch.rateOf('banned')).toBeNull();
    expect((await trail()).map(({ action }) => action)).toEqual(['watch.set', 'watch.ended']);
  });

  it('says nothing of who has left it, opted out or was erased', async () => {
    await house.watch.set('banned', RATE);
    await house.groups.leave('banned', 'mallory');
    await house.identify({ voice: 1, seed: 50 });
    await house.groups.join('banned', 'mallory');
    await house.consent.withdraw('mallory');
    await house.identify({ voice: 1, seed: 51 });
    await house.speakers.erase('mallory');
    await house.identify({ voice: 1, seed: 52 });
    expect(await events()).toEqual([]);
  });

  it('keeps nothing that is to be sent about somebody who is erased', async () => {
    await house.watch.set('banned', RATE);
    await house.groups.join('banned', 'ada');
    await house.identify({ voice: 1, seed: 50 });
    await house.identify({ voice: 2, seed: 50 });
    expect(await events()).toHaveLength(2);
    await house.speakers.erase('mallory');
    expect(await events()).toMatchObject([{ speakerId: 'ada' }]);
  });

  it('hears nobody in too little speech', async () => {
    await house.watch.set('banned', RATE);
    expect((await house.identify({ voice: 1, seed: 50, seconds: 0.2 })).decision).toBe('NOT_ENOUGH_SPEECH');
    expect(await events()).toEqual([]);
  });

  it('is compared with calls of keys that are bound to it, and with none of those bound to others', async () => {
    await house.watch.set('banned', RATE);
    const [banned, staff] = [await house.groups.get('banned'), await house.groups.get('staff')];
    const asBound = (groups: { uid: string; id: string }[], seed: number): Promise<unknown> =>
      actAs({ by: 'key', requestId: null, groups }, () => house.identify({ voice: 1, seed }));
    await asBound([staff], 50);
    expect(await events()).toEqual([]);
    await asBound([banned], 51);
    expect(await events()).toHaveLength(1);
  });

  it('is made at a rate at which the model can decide', async () => {
    await expect(house.watch.set('nobody', RATE)).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
    await expect(house.watch.set('banned', 0)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await house.close();
    await open({}, new ScriptedEngine(undefined, { thresholds: false }));
    await expect(house.watch.set('banned', RATE)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('fails for itself, and never the answer', async () => {
    await house.watch.set('banned', RATE);
    await house.close();
    await open({}, new ScriptedEngine(undefined, { thresholds: false }));
    expect(await house.identify({ voice: 1, seed: 50 })).toHaveProperty('decision');
    await house.watch.settled();
    expect(results()).toEqual(['timbre_watch_total failed']);
  });
});
