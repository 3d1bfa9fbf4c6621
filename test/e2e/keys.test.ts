import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { keysView, newKeyView } from '../../src/service/access/keys.dto.js';
import { errorBody } from '../../src/service/http/api-errors.js';
import { auditView } from '../../src/service/audit/audit.dto.js';
import { sessionView } from '../../src/service/sign-in/sign-in.dto.js';
import { TestService, Workshop } from './support.js';

/** API keys over HTTP: made, listed and revoked by whoever has `admin`, never beyond what he has himself. */

const KEYS = '/v1/keys';

let workshop: Workshop;
let service: TestService;

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await TestService.start(workshop, { model: await workshop.bundle(), sidecarPort: 'off' });
  await service.service.ready();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

type Answer = Awaited<ReturnType<TestService['call']>>;

const by = (key: string, init: RequestInit = {}): RequestInit => ({
  ...init,
  headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
});

const create = (value: unknown, key = service.key): Promise<Answer> =>
  service.call(KEYS, by(key, { method: 'POST', body: JSON.stringify(value) }));

const revoke = (id: string, key = service.key): Promise<Answer> =>
  service.call(`${KEYS}/${id}`, by(key, { method: 'DELETE' }));

async function made(value: unknown, key = service.key): ReturnType<typeof read> {
  const { status, body } = await create(value, key);
  expect({ status, body }).toMatchObject({ status: 201 });
  return read(body);
}

const read = async (body: unknown): Promise<ReturnType<typeof newKeyView.parse>> => newKeyView.strict().parse(body);

function expectError({ status, body }: Answer, expected: number, code: string): void {
  expect([status, errorBody.parse(body).code]).toEqual([expected, code]);
}

describe('keys over HTTP', () => {
  test('a key is made, works at once, is listed without its text, and works no more once it is revoked', async () => {
    const key = await made({ name: 'kiosk', scopes: ['read', 'enrol'], days: 90 });
    expect(key).toMatchObject({ name: 'kiosk', scopes: ['read', 'enrol'], groups: null, status: 'active' });
    expect(Date.parse(key.expiresAt!) - Date.parse(key.createdAt)).toBe(90 * 86_400_000);
    expect(await service.call('/v1/info', by(key.key))).toMatchObject({ status: 200 });

    const listed = await service.call(KEYS);
    expect(JSON.stringify(listed.body)).not.toContain(key.key);
    const { keys } = keysView.strict().parse(listed.body);
    expect(keys.map(({ name }) => name)).toEqual(['local', 'kiosk']);

    expect(await revoke(key.id)).toMatchObject({ status: 204 });
    // Not within a second, as by another program: from the answer on.
    expectError(await service.call('/v1/info', by(key.key)), 401, 'UNAUTHENTICATED');
    expect(await revoke(key.id)).toMatchObject({ status: 204 });
    const after = keysView.parse((await service.call(KEYS)).body).keys.find(({ id }) => id === key.id);
    expect(after).toMatchObject({ status: 'revoked', revokedAt: expect.any(String) });

    const trail = auditView.parse((await service.call('/v1/audit?limit=1000')).body).entries;
    const actions = trail.filter(({ object }) => object === key.id).map(({ action }) => action);
    expect(actions).toEqual(['key.created', 'key.revoked']);
  });

  test('nobody gives a scope that he lacks, and only who has admin gives any', async () => {
    expectError(await create({ name: 'x', scopes: ['vectors'] }), 403, 'FORBIDDEN_SCOPE');
    expectError(await create({ name: 'x', scopes: ['admin', 'vectors'] }), 403, 'FORBIDDEN_SCOPE');
    const weaker = await made({ name: 'weaker', scopes: ['read', 'enrol'] });
    for (const answer of [create({ name: 'x', scopes: ['read'] }, weaker.key), revoke(weaker.id, weaker.key)]) {
      expectError(await answer, 403, 'FORBIDDEN_SCOPE');
    }
    expectError(await service.call(KEYS, by(weaker.key)), 403, 'FORBIDDEN_SCOPE');
    expect((await service.anonymously(KEYS)).status).toBe(401);
    // Neither was anything made.
    const names = keysView.parse((await service.call(KEYS)).body).keys.map(({ name }) => name);
    expect(names).not.toContain('x');
  });

  test('a key is bound to groups that are there, and one that is bound administers no keys', async () => {
    expect((await service.postJson('/v1/groups', { id: 'acme' })).status).toBe(201);
    expectError(await create({ name: 'x', scopes: ['read'], groups: ['nowhere'] }), 404, 'GROUP_NOT_FOUND');
    const bound = await made({ name: 'acme', scopes: ['admin'], groups: ['acme'] });
    expect(bound.groups).toEqual(['acme']);
    expectError(await create({ name: 'x', scopes: ['read'] }, bound.key), 403, 'FORBIDDEN_GROUP');
    expectError(await revoke(bound.id, bound.key), 403, 'FORBIDDEN_GROUP');
  });

  test.each([
    ['no name', { name: '', scopes: ['read'] }],
    ['a name that turns text around', { name: 'a\u202eb', scopes: ['read'] }],
    ['no scope', { name: 'x', scopes: [] }],
    ['an unknown scope', { name: 'x', scopes: ['root'] }],
    ['no group', { name: 'x', scopes: ['read'], groups: [] }],
    ['no days', { name: 'x', scopes: ['read'], days: 0 }],
    ['too many days', { name: 'x', scopes: ['read'], days: 1e9 }],
    ['another field', { name: 'x', scopes: ['read'], digest: 'x' }],
  ])('%s is refused', async (_, value) => {
    expectError(await create(value), 400, 'INVALID_ARGUMENT');
  });

  test('a key that is not there is not revoked', async () => {
    expectError(await revoke('0123456789ab'), 404, 'KEY_NOT_FOUND');
    expectError(await revoke('tmb_nobody'), 404, 'KEY_NOT_FOUND');
  });

  test('a session makes keys that outlive it', async () => {
    const link = (await service.call('/v1/sign-in/links', by(service.key, { method: 'POST', body: '{}' }))).body;
    const code = (link as { path: string }).path.replace('/#sign-in=', '');
    const session = sessionView.parse(
      (await service.anonymously('/v1/sign-in', { method: 'POST', headers: { 'x-sign-in-code': code } })).body,
    );
    const key = await made({ name: 'made in the page', scopes: ['read'] }, session.key);
    expect((await service.call('/v1/sign-in', by(session.key, { method: 'DELETE' }))).status).toBe(204);
    expect(await service.call('/v1/info', by(key.key))).toMatchObject({ status: 200 });
  });
});
