import { beforeAll, describe, expect, test } from 'vitest'
import { type Owner, createOwners, eventsIn } from './owner.ts'
import { type Api, type Json, freshName } from './target.ts'

/** What administrators see; it takes a hand in the database to appoint one. */
export function auditSuite(api: () => Api, sql: (statement: string) => Promise<unknown>): void {
  const { account, signIn } = createOwners(api)
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
  describe('GET /audit', () => {
    test('finds by every filter, and by several at once', async () => {
      const owner = await account()
      await api().login(owner.username, 'not the password')
      await signIn(owner.username)
      const subject = `subject_id=${owner.id}`
      const namesOf = async (search: string) => (await audit(search)).map(({ event, outcome }) => [event, outcome].join(' '))
      const all = ['signed_in success', 'signed_in failure', 'signed_in success', 'user_created success']
      expect(await namesOf(subject)).toEqual(all)
      expect(await namesOf(`subject_id=${owner.id.toUpperCase()}`)).toEqual(['audit_read success', ...all])
      expect(await namesOf(`username=${owner.username.toUpperCase()}&event=signed_in`)).toEqual(all.slice(0, 3))
      expect(await namesOf(`${subject}&outcome=failure`)).toEqual(['signed_in failure'])
      expect(await namesOf(`actor_id=${owner.id}`)).toEqual(['signed_in success', 'signed_in success'])
      expect(await namesOf(`${subject}&username=${owner.username}&event=user_created`)).toEqual(['user_created success'])
      expect(await namesOf(`${subject}&username=${admin.username}`)).toEqual([])
      for (const [outcome, event] of [
        ['failure', 'signed_in'],
        ['success', 'user_created'],
      ]) {
        for (const found of await audit(`outcome=${outcome}`)) expect(found['outcome']).toBe(outcome)
        for (const found of await audit(`event=${event}`)) expect(found['event']).toBe(event)
      }
    })

    test('takes a range of time, from an instant on and up to before another', async () => {
      const owner = await account()
      await signIn(owner.username)
      const subject = `event=signed_in&subject_id=${owner.id}`
      const [second, first] = await audit(subject)
      const at = (event: Json | undefined) => encodeURIComponent(String(event?.['time']))
      const inOffset = encodeURIComponent(String(second?.['time']).replace('Z', '+00:00'))
      expect(await audit(`${subject}&since=${at(second)}`)).toEqual([second])
      expect(await audit(`${subject}&since=${inOffset}`)).toEqual([second])
      expect(await audit(`${subject}&until=${at(second)}`)).toEqual([first])
      expect(await audit(`${subject}&since=${at(first)}&until=${at(second)}`)).toEqual([first])
      expect(await audit(`${subject}&since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59.999Z`)).toEqual([second, first])
    })

    test('comes in pages that neither repeat nor leave out what was there, whatever happens meanwhile', async () => {
      const before = (await audit('limit=200')).map(({ id }) => id)
      const read: unknown[] = []
      let cursor = ''
      do {
        const { body } = await api().get(`/audit?limit=7${cursor && `&cursor=${cursor}`}`, admin.token)
        read.push(...(body['events'] as Json[]).map(({ id }) => id))
        cursor = String(body['next_cursor'])
      } while (read.length < before.length && cursor !== 'null')
      // The first page begins with the reading of `before`.
      expect(read.slice(1, before.length)).toEqual(before.slice(0, before.length - 1))
      expect(new Set(read).size).toBe(read.length)
    })

    test.each([
      ['event=nothing_known', 'event'],
      ['event=', 'event'],
      ['outcome=maybe', 'outcome'],
      ['actor_id=ada', 'actor_id'],
      ['subject_id=019aa5f2', 'subject_id'],
      ['username=', 'username'],
      [`username=${'x'.repeat(65)}`, 'username'],
      ['username=a%00b', 'username'],
      ['since=yesterday', 'since'],
      ['since=2026-01-02', 'since'],
      ['since=2026-01-02T03:04:05', 'since'],
      ['since=2026-01-02T03:04:05%2B25:00', 'since'],
      ['until=2026-02-30T03:04:05Z', 'until'],
      ['until=1767323045', 'until'],
      ['limit=0', 'limit'],
      ['limit=201', 'limit'],
      ['limit=1e2', 'limit'],
      ['cursor=x', 'cursor'],
      ['event=signed_in&event=signed_out', 'event'],
    ])('refuses ?%s', async (search, path) => {
      const answer = await api().get(`/audit?${search}`, admin.token)
      expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request', errors: [{ path }] } })
    })

    test('does not know the name of nobody', async () => {
      const answer = await api().get(`/audit?username=${freshName()}`, admin.token)
      expect(answer).toMatchObject({ status: 400, body: { code: 'user_not_found' } })
    })

    test('knows the events of a deleted account by its id, and its name no more', async () => {
      const owner = await account()
      await api().login(owner.username, 'not the password')
      const deleted = await api().form('DELETE', '/user/', { username: owner.username }, owner.token)
      expect(deleted.status).toBe(200)
      const events = await audit(`subject_id=${owner.id}`)
      expect(events.length).toBeGreaterThanOrEqual(3)
      for (const event of events) {
        expect(event).toMatchObject({ subject_id: owner.id, subject_username: null, actor_username: null })
      }
      expect(JSON.stringify(events)).not.toContain(owner.username)
      expect((await api().get(`/audit?username=${owner.username}`, admin.token)).status).toBe(400)
    })
  })

  test('owners learn that an administrator looked at their account, but not which, nor from where', async () => {
    const owner = await account()
    await api().get(`/user/?username=${owner.username}`, admin.token)
    await audit(`username=${owner.username}`)
    const answer = await api().get('/users/me/events', owner.token)
    expect(eventsIn(answer).slice(0, 2)).toMatchObject([
      { event: 'audit_read', actor: 'administrator', address_prefix: null },
      { event: 'user_read', actor: 'administrator', address_prefix: null },
    ])
    const file = await api().get('/users/me/export', owner.token)
    expect(eventsIn(file).slice(1, 3)).toMatchObject([
      { event: 'audit_read', actor: 'administrator', actor_id: null, subject_id: owner.id, address_prefix: null },
      { event: 'user_read', actor: 'administrator', actor_id: null, subject_id: owner.id, address_prefix: null },
    ])
    for (const { body } of [answer, file]) expect(JSON.stringify(body)).not.toContain(admin.id)
    const theirs = eventsIn(await api().get('/users/me/export', admin.token))
    expect(theirs).toContainEqual(expect.objectContaining({ event: 'user_read', actor: 'self', subject_id: null }))
    expect(JSON.stringify(theirs)).not.toContain(owner.id)
  })
}
