import { describe, expect, test } from 'vitest'
import { createOwners, eventsIn } from './owner.ts'
import { type Api, type Json, freshName, goodPassword } from './target.ts'

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
/** As the tests come to a server of their own, and to one in their process. */
const network = /^(?:127\.0\.0|203\.0\.113)\.0\/24$/

/** What everybody learns of what happened to the account. */
export function ownEventSuite(api: () => Api): void {
  const { account, signIn, call } = createOwners(api)
  const own = async (token: string, search = '') => eventsIn(await api().get(`/users/me/events${search}`, token))

  describe('GET /users/me/events', () => {
    test('tells what happened to one’s account, the newest first, and by whom as far as it is oneself', async () => {
      const owner = await account()
      const stranger = await account()
      await api().login(owner.username, 'not the password')
      await api().get(`/user/?username=${owner.username}`, stranger.token)
      const there = await signIn(owner.username)
      await api().send('/sessions', { method: 'DELETE', headers: { Authorization: `Bearer ${owner.token}` } })
      const events = await own(owner.token)
      expect(events).toMatchObject([
        { event: 'other_sessions_ended', outcome: 'success', actor: 'self', details: { sessions_ended: 1 } },
        { event: 'signed_in', outcome: 'success', actor: 'self', details: { session_id: there.sessionId } },
        { event: 'signed_in', outcome: 'failure', actor: 'anonymous', details: { reason: 'wrong_password' } },
        { event: 'signed_in', outcome: 'success', actor: 'self', details: { session_id: owner.sessionId } },
        { event: 'user_created', outcome: 'success', actor: 'anonymous', details: null },
      ])
      for (const event of events) {
        const members = ['id', 'time', 'event', 'outcome', 'actor', 'address_prefix', 'request_id', 'details']
        expect(Object.keys(event)).toEqual(members)
        expect(event['time']).toMatch(instant)
        expect(event['address_prefix']).toMatch(network)
      }
      expect(JSON.stringify(events)).not.toContain(stranger.id)
    })

    test('comes in pages that neither repeat nor leave out what was there, whatever happens meanwhile', async () => {
      const owner = await account()
      for (let i = 0; i < 4; i += 1) await api().login(owner.username)
      const before = (await own(owner.token)).map(({ id }) => id)
      const read: unknown[] = []
      let cursor = ''
      do {
        const { body } = await api().get(`/users/me/events?limit=2${cursor && `&cursor=${cursor}`}`, owner.token)
        read.push(...(body['events'] as Json[]).map(({ id }) => id))
        cursor = (body['next_cursor'] as string | null) ?? ''
        await api().login(owner.username)
      } while (cursor !== '')
      expect(read).toEqual(before)
      expect(read).toHaveLength(6)
    })

    test.each([
      ['limit=0', 'limit'],
      ['limit=201', 'limit'],
      ['limit=ten', 'limit'],
      ['limit=', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['cursor=', 'cursor'],
      ['cursor=x', 'cursor'],
      ['cursor=AAAAAAAAAAAAAAAAAAAAAB', 'cursor'],
      ['cursor=____________________________', 'cursor'],
      ['cursor=////////////////////////', 'cursor'],
      ['cursor=019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42', 'cursor'],
    ])('refuses ?%s', async (search, path) => {
      const { token } = await account()
      for (const route of ['/users/me/events', '/users/me/events/']) {
        const answer = await api().get(`${route}?${search}`, token)
        expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request', errors: [{ path }] } })
      }
    })
  })

  describe('GET /users/me/export', () => {
    test('hands out everything about oneself, as a file, and tells of it', async () => {
      const owner = await account()
      const stranger = await account()
      await signIn(owner.username)
      const answer = await call('export-request', 'GET', '/users/me/export', { token: owner.token })
      expect(answer.status).toBe(200)
      expect(answer.headers.get('Content-Disposition')).toBe('attachment; filename="gatehouse-export.json"')
      expect(answer.headers.get('Cache-Control')).toBe('no-store')
      expect(answer.body).toMatchObject({
        export_time: expect.stringMatching(instant),
        account: { id: owner.id, username: owner.username, role: 'user', birthday: null, disabled_at: null },
        password_reset: null,
        imports: [],
        sessions: [{ id: owner.sessionId, generation: 0 }, {}],
        events: [
          { event: 'user_exported', actor: 'self', actor_id: owner.id, subject_id: owner.id, request_id: 'export-request' },
          { event: 'signed_in' },
          { event: 'signed_in' },
          { event: 'user_created', actor: 'anonymous', actor_id: null, subject_id: owner.id },
        ],
      })
      const text = JSON.stringify(answer.body)
      for (const secret of [goodPassword, '$argon2id', owner.refreshToken, stranger.id]) expect(text).not.toContain(secret)
      expect((await own(owner.token))[0]).toMatchObject({ event: 'user_exported' })
    })

    test('demands a token', async () => {
      for (const path of ['/users/me/export', '/users/me/events', '/audit']) {
        expect(await api().get(path)).toMatchObject({ status: 401, body: { code: 'not_authenticated' } })
      }
    })
  })

  test('GET /audit is for administrators: others are refused before anything is looked at', async () => {
    const { token } = await account()
    for (const path of ['/audit', '/audit/', '/audit?cursor=x', `/audit?username=${freshName()}`]) {
      expect(await api().get(path, token)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    }
  })
}
