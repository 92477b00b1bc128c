import { describe, expect, test } from 'vitest'
import { type Answer, type Api, type Json, freshName, goodPassword } from './target.ts'

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

interface SignedIn {
  username: string
  token: string
  refreshToken: string
}

/** Sessions as their owners and their clients meet them. */
export function sessionSuite(api: () => Api): void {
  async function signIn(username: string): Promise<SignedIn> {
    const { status, body } = await api().login(username)
    expect(status).toBe(200)
    return { username, token: String(body['access_token']), refreshToken: String(body['refresh_token']) }
  }

  async function account(): Promise<SignedIn> {
    const username = freshName()
    await api().register(username)
    return signIn(username)
  }

  const list = async (token: string) => (await api().get('/sessions', token)).body['sessions'] as Json[]
  const end = (path: string, token: string) => api().send(path, { method: 'DELETE', headers: bearer(token) })
  const logout = (token: string) => api().send('/logout', { method: 'POST', headers: bearer(token) })
  const refresh = (token: string) => api().form('POST', '/token', { grant_type: 'refresh_token', refresh_token: token })

  async function expectOver({ token, refreshToken }: SignedIn): Promise<void> {
    const answer = await api().get('/users/me', token)
    expect(answer).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
    expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer error="invalid_token"')
    expect(await refresh(refreshToken)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  }

  async function expectGoingOn({ token, refreshToken }: SignedIn): Promise<void> {
    expect((await api().get('/users/me', token)).status).toBe(200)
    expect((await refresh(refreshToken)).status).toBe(200)
  }

  test('a sign-in answers with both tokens and how long they live', async () => {
    const { username } = await account()
    const { body, headers } = await api().login(username)
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 1800, refresh_expires_in: 14 * 86_400 })
    expect(String(body['refresh_token'])).toMatch(/^[\w-]{22}\.0\.[\w-]{43}$/)
    expect(headers.get('Cache-Control')).toBe('no-store')
  })

  describe('POST /token', () => {
    test('exchanges a refresh token for a new pair, of the same session', async () => {
      const before = await account()
      const answer = await refresh(before.refreshToken)
      expect(answer).toMatchObject({ status: 200, body: { token_type: 'bearer', expires_in: 1800 } })
      const token = String(answer.body['access_token'])
      expect((await api().get('/users/me', token)).body).toMatchObject({ username: before.username })
      expect(await list(token)).toHaveLength(1)
      expect(claims(token)).toMatchObject({ sid: claims(before.token)['sid'], auth_time: claims(before.token)['auth_time'] })
    })

    test('gives tabs that race, and a client that lost the answer, the same successor', async () => {
      const { refreshToken } = await account()
      const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(refreshToken)))
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
      expect(new Set(answers.map(({ body }) => body['refresh_token'])).size).toBe(1)
    })

    test('ends the session when an older token comes back', async () => {
      const first = await account()
      const second = String((await refresh(first.refreshToken)).body['refresh_token'])
      const third = await refresh(second)
      expect(await refresh(first.refreshToken)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
      await expectOver({ ...first, refreshToken: String(third.body['refresh_token']) })
      expect((await api().get('/users/me', String(third.body['access_token']))).status).toBe(401)
    })
  })

  describe('GET /sessions', () => {
    test('lists one’s own sessions', async () => {
      const here = await account()
      await api().send('/login', {
        method: 'POST',
        headers: { 'User-Agent': 'a telephone/1.0' },
        body: new URLSearchParams({ username: here.username, password: goodPassword }),
      })
      await account()
      const sessions = await list(here.token)
      expect(sessions).toHaveLength(2)
      expect(sessions.map(({ user_agent: agent, current }) => [agent === 'a telephone/1.0', current])).toEqual([
        [true, false],
        [false, true],
      ])
      expect(sessions[0]).toEqual({
        id: expect.stringMatching(uuid),
        create_time: expect.stringMatching(instant),
        last_used: expect.stringMatching(instant),
        expire_time: expect.stringMatching(instant),
        user_agent: 'a telephone/1.0',
        address_prefix: expect.stringMatching(/^(127\.0\.0\.0|203\.0\.113\.0)\/24$/),
        current: false,
      })
    })
  })

  describe('POST /logout', () => {
    test('ends the session that asks, at once, and no other', async () => {
      const here = await account()
      const there = await signIn(here.username)
      expect(await logout(here.token)).toMatchObject({ status: 200, body: { message: 'Signed out' } })
      await expectOver(here)
      await expectGoingOn(there)
      expect((await logout(here.token)).status).toBe(401)
    })

    test('takes a JSON or form body that a client sends along', async () => {
      for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
        const { token } = await account()
        const headers = { ...bearer(token), 'Content-Type': type }
        expect((await api().send('/logout', { method: 'POST', headers, body: type.includes('json') ? '{}' : '' })).status).toBe(
          200,
        )
      }
    })
  })

  describe('DELETE /sessions', () => {
    test('ends all others and says how many', async () => {
      const here = await account()
      const others = [await signIn(here.username), await signIn(here.username)]
      const stranger = await account()
      const answer = await end('/sessions', here.token)
      expect(answer).toMatchObject({ status: 200, body: { message: 'Other sessions ended', sessions_ended: 2 } })
      for (const other of others) await expectOver(other)
      await expectGoingOn(here)
      await expectGoingOn(stranger)
      expect((await end('/sessions', here.token)).body).toMatchObject({ sessions_ended: 0 })
    })
  })

  test('DELETE /sessions/ with an empty id ends nothing', async () => {
    const here = await account()
    const there = await signIn(here.username)
    expect(await end('/sessions/', here.token)).toMatchObject({ status: 404, body: { code: 'session_not_found' } })
    await expectGoingOn(there)
  })

  describe('DELETE /sessions/:id', () => {
    test('ends one', async () => {
      const here = await account()
      const there = await signIn(here.username)
      const id = String(claims(there.token)['sid'])
      expect(await end(`/sessions/${id}`, here.token)).toMatchObject({ status: 200, body: { message: 'Session ended' } })
      await expectOver(there)
      await expectGoingOn(here)
    })

    test('answers 404 alike for a stranger’s, an ended, an unknown one and for what is no id', async () => {
      const here = await account()
      const stranger = await account()
      const over = await signIn(here.username)
      await logout(over.token)
      const ids = [
        claims(stranger.token)['sid'],
        claims(over.token)['sid'],
        crypto.randomUUID(),
        'x',
        '1',
        '%00',
        "'",
        'a'.repeat(3000),
      ]
      const answers = await Promise.all(ids.map((id) => end(`/sessions/${String(id)}`, here.token)))
      const about = ({ status, body }: Answer) => [status, body['code'], body['detail']]
      expect(new Set(answers.map((answer) => JSON.stringify(about(answer)))).size).toBe(1)
      expect(answers[0]).toMatchObject({ status: 404, body: { code: 'session_not_found' } })
      await expectGoingOn(stranger)
    })
  })

  describe('a password change', () => {
    test('ends the other sessions and says how many', async () => {
      const here = await account()
      const others = [await signIn(here.username), await signIn(here.username)]
      const change = { username: here.username, password: 'another quiet harbour' }
      const answer = await api().json('PATCH', '/user/', change, here.token)
      expect(answer).toMatchObject({ status: 200, body: { message: 'User updated successfully', sessions_ended: 2 } })
      for (const other of others) await expectOver(other)
      await expectGoingOn(here)
    })

    test('of a birthday alone ends none, and says nothing new to old clients', async () => {
      const here = await account()
      const other = await signIn(here.username)
      const answer = await api().json('PATCH', '/user/', { username: here.username, birthday: '1990-05-17' }, here.token)
      expect(answer.body).toEqual({ message: 'User updated successfully' })
      await expectGoingOn(other)
    })
  })

  test('a request that began before its session ended, and comes to an end after, changes nothing', async () => {
    const here = await account()
    const other = await signIn(here.username)
    const change = JSON.stringify({ username: here.username, password: 'a harbour for somebody else' })
    const held = holdBack(change)
    const headers = { ...bearer(other.token), 'Content-Type': 'application/json' }
    const late = api().send('/user/', { method: 'PATCH', headers, body: held.body, duplex: 'half' })
    await held.begun
    expect((await end('/sessions', here.token)).status).toBe(200)
    held.release()
    expect(await late).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
    expect((await api().login(here.username)).status).toBe(200)
  })

  test('a deletion ends every session', async () => {
    const here = await account()
    const there = await signIn(here.username)
    expect((await api().form('DELETE', '/user/', { username: here.username }, here.token)).status).toBe(200)
    await expectOver(here)
    await expectOver(there)
  })
}

/** A body whose end comes when the test says so. `begun` resolves when its beginning is read. */
function holdBack(text: string): { body: ReadableStream<Uint8Array>; begun: Promise<void>; release(): void } {
  const begun = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const bytes = new TextEncoder().encode(text)
  let parts = 0
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        parts += 1
        if (parts === 1) return controller.enqueue(bytes.slice(0, 5))
        begun.resolve()
        await released.promise
        controller.enqueue(bytes.slice(5))
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  return { body, begun: begun.promise, release: released.resolve }
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })

const claims = (token: string): Json => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Json
