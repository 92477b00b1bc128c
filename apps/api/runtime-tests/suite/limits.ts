import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type Api, type Target, createApi, freshName, goodPassword } from './target.ts'

/** What a client meets when it tries too often; everything here comes from one address. */
export function limitSuite(start: () => Promise<Target>): void {
  describe('too many attempts', () => {
    let target: Target | undefined
    let api: Api
    beforeAll(async () => {
      target = await start()
      api = createApi(target)
    })
    afterAll(() => target?.stop())

    /** A slow machine takes longer than the first waits, so a few more may be answered. */
    async function untilRefused(attempt: () => Promise<Answer>): Promise<{ answered: number; refusal: Answer }> {
      for (let answered = 0; answered < 18; answered += 1) {
        const answer = await attempt()
        if (answer.status === 429) return { answered, refusal: answer }
        expect([400, 401]).toContain(answer.status)
      }
      return expect.fail('never refused')
    }

    function expectTooMany({ status, headers, body }: Answer, policy: string, longest: number): void {
      expect({ status, ...body }).toMatchObject({ status: 429, title: 'Too Many Requests', code: 'too_many_requests' })
      expect(headers.get('Content-Type')).toBe('application/problem+json')
      const wait = Number(headers.get('Retry-After'))
      expect(wait).toBeGreaterThanOrEqual(1)
      expect(wait).toBeLessThanOrEqual(longest)
      const [name] = policy.split(';')
      expect(headers.get('RateLimit-Policy')).toBe(policy)
      expect(headers.get('RateLimit')).toBe(`${name};r=0;t=${wait}`)
    }

    test.each(['/login', '/token'])(
      'guessing a password at %s is slowed after ten, whether there is the account or not',
      async (path) => {
        const known = freshName()
        await api.register(known)
        for (const username of [known, freshName()]) {
          const guess = (password: string) => api.form('POST', path, { grant_type: 'password', username, password })
          const { answered, refusal } = await untilRefused(() => guess('not the password'))
          expect(answered).toBeGreaterThanOrEqual(10)
          expectTooMany(refusal, '"account";q=10;w=3600', 900)
          expect((await guess(goodPassword)).status).toBe(429)
        }
      },
    )

    test('registering one name again and again is refused after twenty', async () => {
      const username = freshName()
      for (let i = 0; i < 20; i += 1) expect((await api.register(username)).status).toBe(i === 0 ? 200 : 400)
      expectTooMany(await api.register(username), '"registration";q=20;w=3600', 3600)
      expect((await api.register(freshName())).status).toBe(200)
    })

    test('guessing current_password is refused after ten, and the session goes on', async () => {
      const { username, token } = await api.account()
      const wrongly = { username, current_password: 'not the password' }
      for (let i = 0; i < 10; i += 1) expect((await api.form('DELETE', '/user/', wrongly, token)).status).toBe(403)
      expectTooMany(await api.form('DELETE', '/user/', wrongly, token), '"current-password";q=10;w=900', 900)
      expect((await api.get('/users/me', token)).status).toBe(200)
    })

    test('refreshing a session all the time is refused, and the session goes on', async () => {
      const username = freshName()
      await api.register(username)
      let refreshToken = String((await api.login(username)).body['refresh_token'])
      const renew = async () => {
        const answer = await api.form('POST', '/token', { grant_type: 'refresh_token', refresh_token: refreshToken })
        if (answer.status === 200) refreshToken = String(answer.body['refresh_token'])
        return answer
      }
      for (let i = 0; i < 60; i += 1) expect((await renew()).status).toBe(200)
      expectTooMany(await renew(), '"refresh";q=60;w=60', 60)
    })
  })
}
