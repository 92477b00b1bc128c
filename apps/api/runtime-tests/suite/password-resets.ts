import { describe, expect, test } from 'vitest'
import { type Api, freshName, goodPassword } from './target.ts'

const newPassword = 'a lighthouse in the fog'

/** How an administrator helps somebody who forgot a password. */
export function passwordResetSuite(api: () => Api, administrator: () => string): void {
  async function issue(username: string): Promise<string> {
    const token = await api().token(administrator())
    const { status, body } = await api().json('POST', `/users/${username}/password-reset`, {}, token)
    expect(status).toBe(200)
    return String(body['code'])
  }
  const spend = (code: string, password = newPassword) => api().json('POST', '/password/reset', { code, password })
  const invalid = { status: 400, body: { code: 'invalid_reset_code' } }

  describe('POST /users/:username/password-reset', () => {
    test('answers with a code for one hour, and leaves account and sessions as they are', async () => {
      const { username, token } = await api().account()
      const admin = await api().token(administrator())
      const path = `/users/${username.toUpperCase()}/password-reset/`
      const answer = await api().json('POST', path, { current_password: goodPassword }, admin)
      expect(answer).toMatchObject({ status: 200, body: { username, expires_in: 3600 } })
      expect(answer.body['code']).toMatch(/^[\w-]{32}$/)
      expect(answer.headers.get('Cache-Control')).toBe('no-store')
      expect((await api().get('/users/me', token)).status).toBe(200)
      expect((await api().login(username)).status).toBe(200)
    })

    test('needs no body', async () => {
      const { username } = await api().account()
      const headers = { Authorization: `Bearer ${await api().token(administrator())}` }
      const path = `/users/${username}/password-reset`
      expect((await api().send(path, { method: 'POST', headers })).status).toBe(200)
      expect((await api().send(path, { method: 'POST', headers, body: 'x' })).status).toBe(415)
    })

    test('is refused for a disabled account', async () => {
      const { username } = await api().account()
      const admin = await api().token(administrator())
      await api().json('PATCH', '/user/', { username, disabled: true }, admin)
      expect(await api().json('POST', `/users/${username}/password-reset`, {}, admin)).toMatchObject({
        status: 409,
        body: { title: 'Conflict', code: 'account_disabled' },
      })
    })

    test('finds a name by whatever the path encodes', async () => {
      const admin = await api().token(administrator())
      for (const part of ['straße', '50%', 'a+b', 'x/y', '李', '..', '-h', "o'neil", '?#&=', '%41']) {
        const username = freshName(part)
        await api().register(username)
        const path = `/users/${encodeURIComponent(username)}/password-reset`
        expect(await api().json('POST', path, {}, admin)).toMatchObject({ status: 200, body: { username } })
      }
    })

    test.each([
      '%00',
      '%ff',
      '%',
      '%zz',
      '%ED%A0%80',
      '%EF%BF%BD',
      '%20',
      '%2F',
      '..%2F..%2Fetc',
      "'%20or%201=1--",
      'x'.repeat(5000),
      '%F0%9F%98%80'.repeat(400),
      'a%CC%88'.repeat(300),
      '',
      'a/b',
    ])('answers 4xx to the name %j', async (name) => {
      const admin = await api().token(administrator())
      const { status, body } = await api().json('POST', `/users/${name}/password-reset`, {}, admin)
      expect([400, 404]).toContain(status)
      expect(['user_not_found', 'not_found']).toContain(body['code'])
    })
  })

  describe('POST /password/reset', () => {
    test('sets the password once, and ends every session', async () => {
      const { username, token } = await api().account()
      const code = await issue(username)
      expect(await spend(code)).toMatchObject({ status: 200, body: { message: 'Password reset successfully' } })
      expect((await api().get('/users/me', token)).status).toBe(401)
      expect((await api().login(username)).status).toBe(401)
      expect((await api().login(username, newPassword)).status).toBe(200)
      expect(await spend(code, 'and another one after it')).toMatchObject(invalid)
      expect((await api().login(username, newPassword)).status).toBe(200)
    })

    test.each(['', 'nope', 'x'.repeat(5000), '\0', '\uD800', "' or 1=1 --"])('refuses the code %j', async (code) => {
      expect(await spend(code)).toMatchObject(invalid)
    })

    test.each([
      ['is too short', () => 'short'],
      ['is common', () => 'password123'],
      ['is the username', (username: string) => username.toUpperCase()],
      ['is too long', () => 'x'.repeat(257)],
      ['holds a NUL', () => 'a quiet harbour \0'],
    ])('refuses a password that %s, and keeps the code', async (_what, password) => {
      const { username } = await api().account()
      const code = await issue(username)
      const answer = await spend(code, password(username))
      expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request', errors: [{ path: 'password' }] } })
      expect((await api().login(username)).status).toBe(200)
      expect((await spend(code)).status).toBe(200)
    })

    test('of many at once with one code, exactly one sets its password', async () => {
      const { username } = await api().account()
      const code = await issue(username)
      const passwords = Array.from({ length: 5 }, (_, i) => `${newPassword} ${i}`)
      const answers = await Promise.all(passwords.map((password) => spend(code, password)))
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400, 400, 400, 400])
      const winner = passwords[answers.findIndex(({ status }) => status === 200)]
      expect((await api().login(username, winner)).status).toBe(200)
    })

    test('a newer code takes the place of the one before', async () => {
      const { username } = await api().account()
      const [first, second] = [await issue(username), await issue(username)]
      expect(first).not.toBe(second)
      expect(await spend(first)).toMatchObject(invalid)
      expect((await spend(second)).status).toBe(200)
    })

    test('a code goes with another password, with being disabled, and with the account', async () => {
      const admin = await api().token(administrator())
      const owner = await api().account()
      const codes = [await issue(owner.username)]
      await api().json('PATCH', '/user/', { username: owner.username, password: 'another quiet harbour' }, owner.token)
      const disabled = await api().account()
      codes.push(await issue(disabled.username))
      await api().json('PATCH', '/user/', { username: disabled.username, disabled: true }, admin)
      const deleted = await api().account()
      codes.push(await issue(deleted.username))
      await api().form('DELETE', '/user/', { username: deleted.username }, deleted.token)
      await api().register(deleted.username)
      for (const code of codes) expect(await spend(code)).toMatchObject(invalid)
      await api().json('PATCH', '/user/', { username: disabled.username, disabled: false }, admin)
      for (const code of codes) expect(await spend(code)).toMatchObject(invalid)
    })

    test('a sign-in from before it does not prove enough to delete the account', async () => {
      const { username, token } = await api().account()
      await spend(await issue(username))
      expect((await api().form('DELETE', '/user/', { username }, token)).status).toBe(401)
    })
  })
}
