import { describe, expect, test } from 'vitest'
import { type Answer, type Api, type Json, freshName, goodPassword } from './target.ts'

/** What administrators, and nobody else, may do; `administrator` names one. */
export function administrationSuite(api: () => Api, administrator: () => string): void {
  const patch = (change: Json, token?: string) => api().json('PATCH', '/user/', change, token)

  /** Another administrator, with a token that says so. */
  async function appoint(): Promise<{ username: string; token: string }> {
    const { username } = await api().account()
    const { status } = await patch({ username, role: 'admin' }, await api().token(administrator()))
    expect(status).toBe(200)
    return { username, token: await api().token(username) }
  }

  describe('who may do what', () => {
    type Actor = (target: { username: string; token: string }) => Promise<string | undefined>
    const set = async (username: string, change: Json) => {
      const { status } = await patch({ username, ...change }, await api().token(administrator()))
      expect(status).toBe(200)
    }
    const actors: Record<string, Actor> = {
      'nobody signed in': async () => undefined,
      'another user': async () => (await api().account()).token,
      'the owner': async ({ token }) => token,
      'an administrator': async () => (await appoint()).token,
      'a disabled administrator': async () => {
        const { username, token } = await appoint()
        await set(username, { disabled: true })
        return token
      },
      'an administrator who was enabled again, with the old token': async () => {
        const { username, token } = await appoint()
        await set(username, { disabled: true })
        await set(username, { disabled: false })
        return token
      },
      'a demoted administrator, with the old token': async () => {
        const { username, token } = await appoint()
        await set(username, { role: 'user' })
        return token
      },
      'a demoted administrator who signed in again': async () => {
        const { username } = await appoint()
        await set(username, { role: 'user' })
        return api().token(username)
      },
      'who was just appointed, with the old token': async () => {
        const { username, token } = await api().account()
        await set(username, { role: 'admin' })
        return token
      },
    }
    const actions: Record<string, (username: string, token: string | undefined) => Promise<Answer>> = {
      'list users': (_username, token) => api().get('/users', token),
      'list users with a query that is refused': (_username, token) => api().get('/users?limit=0', token),
      appoint: (username, token) => patch({ username, role: 'admin' }, token),
      'set the role that is': (username, token) => patch({ username, role: 'user' }, token),
      disable: (username, token) => patch({ username, disabled: true }, token),
      enable: (username, token) => patch({ username, disabled: false }, token),
      'set null, which is nothing': (username, token) => patch({ username, role: null, disabled: null }, token),
      'issue a reset code': (username, token) => api().json('POST', `/users/${username}/password-reset`, {}, token),
      'set the birthday': (username, token) => patch({ username, birthday: '1990-05-17' }, token),
      delete: (username, token) => api().form('DELETE', '/user/', { username }, token),
    }
    /** In the order of the actions. */
    const verdicts: Record<string, number[]> = {
      'nobody signed in': [401, 401, 401, 401, 401, 401, 401, 401, 401, 401],
      'another user': [403, 403, 403, 403, 403, 403, 403, 403, 403, 403],
      'the owner': [403, 403, 403, 403, 403, 403, 200, 403, 200, 200],
      'an administrator': [200, 422, 200, 200, 200, 200, 200, 200, 200, 200],
      'a disabled administrator': [401, 401, 401, 401, 401, 401, 401, 401, 401, 401],
      'an administrator who was enabled again, with the old token': [401, 401, 401, 401, 401, 401, 401, 401, 401, 401],
      'a demoted administrator, with the old token': [401, 401, 401, 401, 401, 401, 401, 401, 401, 401],
      'a demoted administrator who signed in again': [403, 403, 403, 403, 403, 403, 403, 403, 403, 403],
      'who was just appointed, with the old token': [401, 401, 401, 401, 401, 401, 401, 401, 401, 401],
    }

    test.each(Object.entries(actors))('%s', async (name, actor) => {
      let target = await api().account()
      const token = await actor(target)
      const answers: number[] = []
      for (const act of Object.values(actions)) {
        const { status } = await act(target.username, name === 'the owner' ? target.token : token)
        answers.push(status)
        // What one action does to an account must not decide the next.
        if (status === 200) target = await api().account()
      }
      const named = (statuses: number[] = []) => Object.keys(actions).map((action, i) => [action, statuses[i]])
      expect(named(answers)).toEqual(named(verdicts[name]))
    })
  })

  test('an administrator reads, changes and deletes anybody', async () => {
    const owner = await api().account({ birthday: '1990-05-17' })
    const { token } = await appoint()
    const { body } = await api().get(`/user/?username=${owner.username}`, token)
    expect(body['birthday']).toBe('1990-05-17')
    expect((await patch({ username: owner.username, password: 'another quiet harbour' }, token)).status).toBe(200)
    expect((await api().login(owner.username, 'another quiet harbour')).status).toBe(200)
    expect((await api().form('DELETE', '/user/', { username: owner.username }, token)).status).toBe(200)
  })

  test('a disabled account can neither sign in, refresh nor use its tokens, and is enabled again', async () => {
    const { username, token } = await api().account()
    const { body: kept } = await api().login(username)
    const admin = await api().token(administrator())
    expect(await patch({ username, disabled: true }, admin)).toEqual(
      expect.objectContaining({ status: 200, body: { message: 'User updated successfully', sessions_ended: 2 } }),
    )
    expect((await api().get(`/user/?username=${username}`, token)).status).toBe(401)
    expect((await patch({ username, birthday: '1990-05-17' }, token)).status).toBe(401)
    expect((await api().form('DELETE', '/user/', { username }, token)).status).toBe(401)
    expect((await api().login(username)).status).toBe(401)
    const refresh = { grant_type: 'refresh_token', refresh_token: String(kept['refresh_token']) }
    expect((await api().form('POST', '/token', refresh)).status).toBe(400)
    expect((await api().get(`/user/?username=${username}`, admin)).status).toBe(200)
    // Once more changes nothing, and says so.
    expect((await patch({ username, disabled: true }, admin)).body).toEqual({ message: 'User updated successfully' })
    expect((await patch({ username, disabled: false }, admin)).body).toEqual({ message: 'User updated successfully' })
    expect((await api().login(username)).status).toBe(200)
    expect((await api().get('/users/me', token)).status).toBe(401)
  })

  test('another role is in the next sign-in’s token, and ends the sessions that said otherwise', async () => {
    const { username, token } = await appoint()
    expect((await api().get('/users/me', token)).body).toMatchObject({ role: 'admin' })
    const admin = await api().token(administrator())
    expect(await patch({ username, role: 'user' }, admin)).toMatchObject({ status: 200, body: { sessions_ended: 1 } })
    expect((await api().get('/users/me', token)).status).toBe(401)
    expect((await api().get('/users/me', await api().token(username))).body).toMatchObject({ role: 'user' })
  })

  test('of a request that a user may not make whole, nothing is done', async () => {
    const { username, token } = await api().account({ birthday: '1990-05-17' })
    for (const extra of [{ role: 'admin' }, { role: 'user' }, { disabled: true }, { disabled: false }]) {
      const change = { username, birthday: '1991-06-18', password: 'another quiet harbour', ...extra }
      expect(await patch(change, token)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    }
    expect((await api().get(`/user/?username=${username}`, token)).body['birthday']).toBe('1990-05-17')
    expect((await api().login(username)).status).toBe(200)
    expect((await api().get('/users/me', token)).body).toMatchObject({ role: 'user' })
  })

  test('an administrator who gives up the role, or disables himself, is signed out', async () => {
    for (const change of [{ role: 'user' }, { disabled: true }, { role: 'user', password: 'another quiet harbour' }]) {
      const { username, token } = await appoint()
      expect(await patch({ username, ...change }, token)).toMatchObject({ status: 200, body: { sessions_ended: 1 } })
      expect((await api().get('/users/me', token)).status).toBe(401)
    }
  })

  test.each([{ role: 'root' }, { role: 'ADMIN' }, { role: 1 }, { disabled: 'true' }, { disabled: 0 }])(
    'PATCH with %j is 422',
    async (change) => {
      const { username } = await api().account()
      const answer = await patch({ username, ...change }, await api().token(administrator()))
      expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: Object.keys(change)[0] }] } })
    },
  )

  test('a wrong current password is refused, however fresh the sign-in', async () => {
    const { username } = await api().account()
    const admin = await api().token(administrator())
    const wrong = { current_password: 'not the password' }
    const refused = { status: 403, body: { code: 'reauthentication_required' } }
    expect(await patch({ username, role: 'admin', ...wrong }, admin)).toMatchObject(refused)
    expect(await patch({ username, disabled: true, ...wrong }, admin)).toMatchObject(refused)
    expect(await api().json('POST', `/users/${username}/password-reset`, wrong, admin)).toMatchObject(refused)
    const right = { current_password: goodPassword }
    expect((await patch({ username, disabled: true, ...right }, admin)).status).toBe(200)
  })

  test('an unknown name is 400 for an administrator', async () => {
    const admin = await api().token(administrator())
    const answer = { status: 400, body: { code: 'user_not_found' } }
    expect(await patch({ username: freshName(), role: 'admin' }, admin)).toMatchObject(answer)
    expect(await api().json('POST', `/users/${freshName()}/password-reset`, {}, admin)).toMatchObject(answer)
  })
}
