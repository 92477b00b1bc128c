import { beforeAll, describe, expect, test } from 'vitest'
import { type Owner, createOwners, eventsIn } from './owner.ts'
import { type Api, type Json, freshName, goodPassword } from './target.ts'

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
/** As the tests come to a server of their own, and to one in their process. */
const network = /^(?:127\.0\.0|203\.0\.113)\.0\/24$/

/** What is recorded of which action, as an administrator reads it; it takes a hand in the database to appoint one. */
export function recordingSuite(api: () => Api, sql: (statement: string) => Promise<unknown>): void {
  const { account, signIn, call } = createOwners(api)
  let admin: Owner

  beforeAll(async () => {
    const { username, token } = await account()
    await sql(`update users set role = 'admin' where username = '${username}'`)
    await api().untilRefused(token)
    admin = await signIn(username)
  })

  const audit = async (search: string) => {
    const answer = await api().get(`/audit?${search}`, admin.token)
    expect(answer.status).toBe(200)
    return eventsIn(answer)
  }
  const nextRequest = () => freshName('request')

  interface Scene {
    owner: Owner
    other: Owner
    request: string
  }
  type Expected = Json | ((scene: Scene) => Json)
  const self = ({ owner }: Scene) => ({ actor: 'user', actor_id: owner.id, actor_username: owner.username })
  const nobody = { actor: 'anonymous', actor_id: null, actor_username: null }

  /** Every action that is recorded: what is done, and what is then found under its request. */
  const actions: [name: string, act: (scene: Scene) => Promise<unknown>, expected: Expected][] = [
    [
      'a sign-in',
      ({ owner, request }) => call(request, 'POST', '/login', { form: { username: owner.username, password: goodPassword } }),
      (scene) => ({
        event: 'signed_in',
        outcome: 'success',
        ...self(scene),
        details: { session_id: expect.stringMatching(uuid) },
      }),
    ],
    [
      'a sign-in at /token',
      ({ owner, request }) =>
        call(request, 'POST', '/token', { form: { grant_type: 'password', username: owner.username, password: goodPassword } }),
      (scene) => ({ event: 'signed_in', outcome: 'success', ...self(scene) }),
    ],
    [
      'a wrong password',
      ({ owner, request }) => call(request, 'POST', '/login', { form: { username: owner.username, password: 'not it' } }),
      { event: 'signed_in', outcome: 'failure', ...nobody, details: { reason: 'wrong_password' } },
    ],
    [
      'a wrong password at /token',
      ({ owner, request }) =>
        call(request, 'POST', '/token', { form: { grant_type: 'password', username: owner.username, password: 'not it' } }),
      { event: 'signed_in', outcome: 'failure', ...nobody, details: { reason: 'wrong_password' } },
    ],
    [
      'an unknown name',
      ({ owner, request }) => call(request, 'POST', '/login', { form: { username: `${owner.username}-no`, password: 'x' } }),
      {
        event: 'signed_in',
        outcome: 'failure',
        ...nobody,
        details: { reason: 'unknown_account' },
        subject_id: null,
        subject_username: null,
      },
    ],
    [
      'a disabled account',
      async ({ owner, request }) => {
        await sql(`update users set disabled_at = now() where id = '${owner.id}'`)
        await call(request, 'POST', '/login', { form: { username: owner.username, password: goodPassword } })
      },
      { event: 'signed_in', outcome: 'failure', ...nobody, details: { reason: 'disabled' } },
    ],
    [
      'a wrong password of a disabled account',
      async ({ owner, request }) => {
        await sql(`update users set disabled_at = now() where id = '${owner.id}'`)
        await call(request, 'POST', '/login', { form: { username: owner.username, password: 'not it' } })
      },
      { event: 'signed_in', outcome: 'failure', ...nobody, details: { reason: 'wrong_password' } },
    ],
    [
      'a sign-out',
      ({ owner, request }) => call(request, 'POST', '/logout', { token: owner.token }),
      (scene) => ({ event: 'signed_out', ...self(scene), details: { session_id: scene.owner.sessionId } }),
    ],
    [
      'a sign-out by cookie',
      ({ owner, request }) =>
        call(request, 'POST', '/logout', { cookie: `__Host-gatehouse-refresh=${encodeURIComponent(owner.refreshToken)}` }),
      (scene) => ({ event: 'signed_out', ...self(scene), details: { session_id: scene.owner.sessionId } }),
    ],
    [
      'the end of one session',
      ({ owner, other, request }) => call(request, 'DELETE', `/sessions/${other.sessionId}`, { token: owner.token }),
      (scene) => ({ event: 'session_ended', ...self(scene), details: { session_id: scene.other.sessionId } }),
    ],
    [
      'the end of the other sessions',
      ({ owner, request }) => call(request, 'DELETE', '/sessions', { token: owner.token }),
      (scene) => ({ event: 'other_sessions_ended', ...self(scene), details: { sessions_ended: 1 } }),
    ],
    ...(['refreshToken', 'token'] as const).map((kind): [string, (scene: Scene) => Promise<unknown>, Expected] => [
      `a revoked ${kind}`,
      ({ owner, request }) => call(request, 'POST', '/revoke', { form: { token: owner[kind] } }),
      (scene) => ({ event: 'session_ended', ...self(scene), details: { session_id: scene.owner.sessionId } }),
    ]),
    [
      'a reused refresh token',
      async ({ owner, request }) => {
        const form = { grant_type: 'refresh_token', refresh_token: owner.refreshToken }
        const { body } = await api().form('POST', '/token', form)
        await api().form('POST', '/token', { ...form, refresh_token: String(body['refresh_token']) })
        await call(request, 'POST', '/token', { form })
      },
      ({ owner }) => ({
        event: 'refresh_token_reused',
        outcome: 'failure',
        ...nobody,
        details: { session_id: owner.sessionId, presented: 0, valid: 2 },
      }),
    ],
    [
      'an administrator’s look at an account',
      ({ owner, request }) => call(request, 'GET', `/user/?username=${owner.username}`, { token: admin.token }),
      () => ({ event: 'user_read', actor: 'user', actor_id: admin.id, actor_username: admin.username, details: null }),
    ],
    [
      'an administrator’s look at the events of an account',
      ({ owner, request }) => call(request, 'GET', `/audit?username=${owner.username}&limit=1`, { token: admin.token }),
      () => ({ event: 'audit_read', actor: 'user', actor_id: admin.id, details: { filters: ['username'] } }),
    ],
    [
      'an export',
      ({ owner, request }) => call(request, 'GET', '/users/me/export', { token: owner.token }),
      (scene) => ({ event: 'user_exported', ...self(scene), details: null }),
    ],
  ]

  describe('what is recorded:', () => {
    test.each(actions)('%s', async (_name, act, expected) => {
      const owner = await account()
      const scene = { owner, other: await signIn(owner.username), request: nextRequest() }
      await act(scene)
      const recorded = (await audit('limit=20')).filter((event) => event['request_id'] === scene.request)
      expect(recorded).toMatchObject([
        {
          id: expect.stringMatching(uuid),
          time: expect.stringMatching(instant),
          outcome: 'success',
          subject_id: owner.id,
          subject_username: owner.username,
          address_prefix: expect.stringMatching(network),
          ...(typeof expected === 'function' ? expected(scene) : expected),
        },
      ])
      expect(Object.keys(recorded[0] ?? {}).length).toBe(12)
    })

    test('a registration', async () => {
      const [username, request] = [freshName(), nextRequest()]
      await call(request, 'POST', '/user/', { json: { username, password: goodPassword } })
      expect(await audit(`username=${username}`)).toMatchObject([
        { event: 'user_created', outcome: 'success', ...nobody, subject_username: username, request_id: request, details: null },
      ])
    })

    test('a look at the events of everybody', async () => {
      const request = nextRequest()
      await call(request, 'GET', '/audit?event=signed_in&since=2026-01-01T00:00:00Z', { token: admin.token })
      expect((await audit('event=audit_read'))[0]).toMatchObject({
        actor_id: admin.id,
        subject_id: null,
        request_id: request,
        details: { filters: ['event', 'since'] },
      })
    })

    test('not what came to nothing, and not what owners and strangers read', async () => {
      const owner = await account()
      const stranger = await account()
      const request = nextRequest()
      const unknown = '019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42'
      await call(request, 'POST', '/user/', { json: { username: owner.username, password: goodPassword } })
      await call(request, 'DELETE', `/sessions/${unknown}`, { token: owner.token })
      await call(request, 'DELETE', `/sessions/${owner.sessionId}`, { token: stranger.token })
      await call(request, 'DELETE', '/sessions', { token: owner.token })
      await call(request, 'POST', '/revoke', { form: { token: 'nonsense' } })
      await call(request, 'POST', '/token', { form: { grant_type: 'refresh_token', refresh_token: owner.refreshToken } })
      await call(request, 'POST', '/token', { form: { grant_type: 'refresh_token', refresh_token: 'nonsense' } })
      await call(request, 'GET', `/user/?username=${owner.username}`, { token: owner.token })
      await call(request, 'GET', `/user/?username=${owner.username}`, { token: stranger.token })
      await call(request, 'GET', '/users/me/events', { token: owner.token })
      await call(request, 'GET', `/user/?username=${admin.username}`, { token: admin.token })
      await call(request, 'GET', '/audit?cursor=x', { token: admin.token })
      expect((await audit('limit=20')).filter((event) => event['request_id'] === request)).toEqual([])
    })
  })
}
