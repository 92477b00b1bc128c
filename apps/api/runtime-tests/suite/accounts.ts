import { describe, expect, test } from 'vitest'
import { type Api, freshName, goodPassword } from './target.ts'

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** The account routes, as existing clients of the interface use them. */
export function accountSuite(api: () => Api): void {
  describe('POST /user/', () => {
    test.each(['/user/', '/user'])('%s registers an account', async (path) => {
      const answer = await api().json('POST', path, { username: freshName(), password: goodPassword, birthday: '2000-02-29' })
      expect(answer).toMatchObject({ status: 200, body: { message: 'User created successfully' } })
    })

    test('answers 400 when the name is taken, in any case and compatibility form', async () => {
      const name = freshName('straße')
      await api().register(name)
      for (const twin of [name, name.toUpperCase(), name.replace('ß', 'ss'), name.replace('s', 'ｓ')]) {
        expect(await api().register(twin)).toMatchObject({
          status: 400,
          body: { detail: 'User already exists', code: 'user_exists' },
        })
      }
    })

    test('lets one of many racing registrations of a name win', async () => {
      const name = freshName()
      const answers = await Promise.all(Array.from({ length: 8 }, () => api().register(name)))
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400, 400, 400, 400, 400, 400, 400])
    })

    test('ignores members it does not know, columns among them', async () => {
      const username = freshName()
      await api().register(username, goodPassword, {
        role: 'admin',
        id: 1,
        create_time: 'x',
        disabled_at: 'x',
        passwordHash: 'x',
      })
      const me = await api().get('/users/me', await api().token(username))
      expect(me.body).toMatchObject({ username, role: 'user' })
    })
  })

  describe('POST /login', () => {
    test('takes the urlencoded form of OAuth2PasswordRequestForm', async () => {
      const { username } = await api().account()
      const fields = {
        username,
        password: goodPassword,
        grant_type: 'password',
        scope: 'a b',
        client_id: 'x',
        client_secret: 'y',
      }
      const answer = await api().form('POST', '/login', fields)
      expect(answer).toMatchObject({ status: 200, body: { token_type: 'bearer', expires_in: 1800 } })
      expect(answer.body['access_token']).toMatch(/^[\w-]+\.[\w-]+\.[\w-]{86}$/)
      expect(answer.headers.get('Cache-Control')).toBe('no-store')
    })

    test('takes the multipart form', async () => {
      const { username } = await api().account()
      const body = new FormData()
      body.set('username', username)
      body.set('password', goodPassword)
      body.set('grant_type', '')
      expect((await api().send('/login', { method: 'POST', body })).status).toBe(200)
    })

    test('answers alike for a wrong password and an unknown name, without a challenge', async () => {
      const { username } = await api().account()
      for (const name of [username, freshName(), "' or 1=1 --"]) {
        const answer = await api().login(name, 'not the password')
        expect(answer).toMatchObject({
          status: 401,
          body: { detail: 'Incorrect username or password', code: 'invalid_credentials', error: 'invalid_grant' },
        })
        expect(answer.headers.has('WWW-Authenticate')).toBe(false)
      }
    })

    test('answers 422 for another grant', async () => {
      const { username } = await api().account()
      const answer = await api().form('POST', '/login', { username, password: goodPassword, grant_type: 'client_credentials' })
      expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'grant_type' }] } })
    })

    test('finds the account by any spelling of its name and keeps the registered one', async () => {
      const { username } = await api().account()
      const me = await api().get('/users/me', await api().token(username.toUpperCase()))
      expect(me.body['username']).toBe(username)
    })
  })

  describe('GET /user/', () => {
    test.each(['/user/', '/user'])('%s answers the four members, to the owner in full', async (path) => {
      const { username, token } = await api().account({ birthday: '1815-12-10T23:59:59-11:00' })
      const { status, body } = await api().get(`${path}?username=${username}`, token)
      expect(status).toBe(200)
      expect(body).toEqual({
        username,
        birthday: '1815-12-10',
        create_time: expect.stringMatching(instant),
        last_login: expect.stringMatching(instant),
      })
    })

    test('hides birthday and last sign-in from a stranger', async () => {
      const owner = await api().account({ birthday: '1815-12-10' })
      const stranger = await api().account()
      const { body } = await api().get(`/user/?username=${owner.username}`, stranger.token)
      expect(body).toEqual({
        username: owner.username,
        birthday: null,
        create_time: expect.stringMatching(instant),
        last_login: null,
      })
    })

    test('answers 400 for an unknown name and 422 without one', async () => {
      const { token } = await api().account()
      expect(await api().get(`/user/?username=${freshName()}`, token)).toMatchObject({
        status: 400,
        body: { detail: 'User does not exist', code: 'user_not_found' },
      })
      expect(await api().get('/user/', token)).toMatchObject({ status: 422, body: { errors: [{ path: 'username' }] } })
    })
  })

  describe('PATCH /user/', () => {
    test('changes what is given and leaves what is absent or null', async () => {
      const { username, token } = await api().account({ birthday: '1990-05-17' })
      const unchanged = await api().json('PATCH', '/user/', { username, birthday: null, password: null }, token)
      expect(unchanged).toMatchObject({ status: 200, body: { message: 'User updated successfully' } })
      expect((await api().get(`/user/?username=${username}`, token)).body['birthday']).toBe('1990-05-17')
      await api().json('PATCH', '/user', { username, birthday: '1991-06-18' }, token)
      expect((await api().get(`/user/?username=${username}`, token)).body['birthday']).toBe('1991-06-18')
    })

    test('changes the password', async () => {
      const { username, token } = await api().account()
      const change = { username, password: 'another quiet harbour' }
      expect((await api().json('PATCH', '/user/', change, token)).status).toBe(200)
      expect((await api().login(username)).status).toBe(401)
      expect((await api().login(username, 'another quiet harbour')).status).toBe(200)
    })

    test('refuses a wrong current password', async () => {
      const { username, token } = await api().account()
      const change = { username, password: 'another quiet harbour', current_password: 'not the password' }
      expect(await api().json('PATCH', '/user/', change, token)).toMatchObject({
        status: 403,
        body: { code: 'reauthentication_required' },
      })
      expect((await api().login(username)).status).toBe(200)
    })

    test('answers 403 to a stranger and 400 for an unknown name', async () => {
      const owner = await api().account({ birthday: '1990-05-17' })
      const stranger = await api().account()
      const change = { username: owner.username, birthday: '1991-06-18' }
      expect(await api().json('PATCH', '/user/', change, stranger.token)).toMatchObject({
        status: 403,
        body: { code: 'forbidden' },
      })
      expect((await api().get(`/user/?username=${owner.username}`, owner.token)).body['birthday']).toBe('1990-05-17')
      const unknown = await api().json('PATCH', '/user/', { username: freshName() }, stranger.token)
      expect(unknown).toMatchObject({ status: 400, body: { code: 'user_not_found' } })
    })
  })

  describe('DELETE /user/', () => {
    test('deletes one’s own account, and its tokens die on every route', async () => {
      const { username, token } = await api().account()
      const other = await api().account()
      expect(await api().form('DELETE', '/user/', { username }, token)).toMatchObject({
        status: 200,
        body: { message: 'User deleted successfully' },
      })
      const gone = { status: 401, body: { detail: 'Invalid credentials', code: 'invalid_token' } }
      expect(await api().get('/users/me', token)).toMatchObject(gone)
      expect(await api().get(`/user/?username=${other.username}`, token)).toMatchObject(gone)
      expect(await api().get(`/user/?username=${username}`, token)).toMatchObject(gone)
      expect(await api().json('PATCH', '/user/', { username: other.username }, token)).toMatchObject(gone)
      expect(await api().form('DELETE', '/user/', { username: other.username }, token)).toMatchObject(gone)
      expect((await api().login(username)).status).toBe(401)
    })

    test('gives the name free, but not the old account’s tokens', async () => {
      const { username, token } = await api().account()
      await api().form('DELETE', '/user', { username }, token)
      expect((await api().register(username)).status).toBe(200)
      expect((await api().get('/users/me', token)).status).toBe(401)
    })

    test('answers 403 to a stranger', async () => {
      const owner = await api().account()
      const stranger = await api().account()
      expect((await api().form('DELETE', '/user/', { username: owner.username }, stranger.token)).status).toBe(403)
      expect((await api().get('/users/me', owner.token)).status).toBe(200)
    })

    test('takes a multipart form', async () => {
      const { username, token } = await api().account()
      const body = new FormData()
      body.set('username', username)
      const init = { method: 'DELETE', headers: { Authorization: `Bearer ${token}` }, body }
      expect((await api().send('/user/', init)).status).toBe(200)
    })
  })
}
