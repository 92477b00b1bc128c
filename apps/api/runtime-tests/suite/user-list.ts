import { describe, expect, test } from 'vitest'
import { type Api, type Json, freshName } from './target.ts'

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

interface Entry extends Json {
  username: string
}

/** The list of accounts, as administrators page through it. */
export function userListSuite(api: () => Api, administrator: () => string): void {
  let signedIn: Promise<string> | undefined
  /** Of the administrator, whom nobody signs out. */
  const adminToken = () => (signedIn ??= api().token(administrator()))

  async function list(query: Record<string, string>): Promise<{ users: Entry[]; next: string | null }> {
    const token = await adminToken()
    const { status, body } = await api().get(`/users?${new URLSearchParams(query).toString()}`, token)
    expect(status).toBe(200)
    return { users: body['users'] as Entry[], next: body['next_cursor'] as string | null }
  }
  const names = ({ users }: { users: Entry[] }) => users.map(({ username }) => username)

  /** Accounts whose names begin alike; what they begin with. */
  async function registerAll(endings: string[], beginning = 'list'): Promise<string> {
    const prefix = `${freshName(beginning)}-`
    for (const ending of endings) await api().register(prefix + ending, undefined, { birthday: '1990-05-17' })
    return prefix
  }

  describe('GET /users', () => {
    test('answers the members of each account, and no other', async () => {
      const { username } = await api().account({ birthday: '1990-05-17' })
      const { users, next } = await list({ prefix: username })
      expect(next).toBeNull()
      expect(users).toEqual([
        {
          id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7/),
          username,
          role: 'user',
          disabled: false,
          birthday: '1990-05-17',
          create_time: expect.stringMatching(instant),
          last_login: expect.stringMatching(instant),
        },
      ])
    })

    test('finds a prefix in any case and compatibility form, and nothing else', async () => {
      const prefix = await registerAll(['a', 'b'], 'Straße')
      for (const spelling of [prefix, prefix.toUpperCase(), prefix.replace('ß', 'ss'), prefix.replace('t', 'ｔ')]) {
        expect(names(await list({ prefix: spelling }))).toEqual([`${prefix}a`, `${prefix}b`])
      }
      expect(names(await list({ prefix: `${prefix}%` }))).toEqual([])
      expect(names(await list({ prefix: `${prefix}_` }))).toEqual([])
      expect(names(await list({ prefix: `${prefix}c` }))).toEqual([])
      expect(names(await list({ prefix: `${prefix}A` }))).toEqual([`${prefix}a`])
    })

    test('orders by the bytes of the folded name', async () => {
      const prefix = await registerAll(['ä', 'B', 'a', '~', '1', '😀', '李', 'b2', 'Z'])
      const ordered = ['1', 'a', 'B', 'b2', 'Z', '~', 'ä', '李', '😀'].map((ending) => prefix + ending)
      expect(names(await list({ prefix }))).toEqual(ordered)
      const paged: string[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await list({ prefix, limit: '2', ...(cursor && { cursor }) })
        paged.push(...names(page))
        cursor = page.next
      }
      expect(paged).toEqual(ordered)
    })

    test('filters by role and by whether an account is disabled', async () => {
      const prefix = await registerAll(['admin', 'disabled', 'both', 'plain'])
      const admin = await adminToken()
      for (const change of [
        { username: `${prefix}admin`, role: 'admin' },
        { username: `${prefix}both`, role: 'admin', disabled: true },
        { username: `${prefix}disabled`, disabled: true },
      ]) {
        expect((await api().json('PATCH', '/user/', change, admin)).status).toBe(200)
      }
      const endings = async (filter: Record<string, string>) =>
        names(await list({ prefix, ...filter })).map((name) => name.slice(prefix.length))
      expect(await endings({ role: 'admin' })).toEqual(['admin', 'both'])
      expect(await endings({ role: 'user' })).toEqual(['disabled', 'plain'])
      expect(await endings({ disabled: 'true' })).toEqual(['both', 'disabled'])
      expect(await endings({ disabled: 'false' })).toEqual(['admin', 'plain'])
      expect(await endings({ role: 'admin', disabled: 'true' })).toEqual(['both'])
      expect(await endings({ role: 'user', disabled: 'false' })).toEqual(['plain'])
      const [both] = (await list({ prefix: `${prefix}both` })).users
      expect(both).toMatchObject({ role: 'admin', disabled: true, last_login: null })
    })

    test('goes on where it was, whatever comes and goes meanwhile', async () => {
      const prefix = await registerAll(['b', 'd', 'f', 'h', 'j'])
      const first = await list({ prefix, limit: '2' })
      expect(names(first)).toEqual([`${prefix}b`, `${prefix}d`])
      // Before the place and behind it; the account that the cursor names goes as well.
      for (const ending of ['a', 'c', 'e', 'i']) await api().register(prefix + ending)
      const admin = await adminToken()
      for (const ending of ['b', 'd', 'f']) await api().form('DELETE', '/user/', { username: prefix + ending }, admin)
      const second = await list({ prefix, limit: '2', cursor: first.next ?? '' })
      expect(names(second)).toEqual([`${prefix}e`, `${prefix}h`])
      const third = await list({ prefix, limit: '2', cursor: second.next ?? '' })
      expect([names(third), third.next]).toEqual([[`${prefix}i`, `${prefix}j`], null])
    })

    test('has up to 50 accounts on a page unless told, and no cursor on the last one', async () => {
      const { users, next } = await list({})
      expect(users.length).toBeLessThanOrEqual(50)
      expect(next === null).toBe(users.length < 50)
      const prefix = await registerAll(['a', 'b'])
      expect((await list({ prefix, limit: '2' })).next).toBeNull()
      expect((await list({ prefix, limit: '1' })).next).toEqual(expect.any(String))
      expect((await list({ prefix, limit: '200' })).users).toHaveLength(2)
      expect(names(await list({ prefix: '', limit: '1' }))).toHaveLength(1)
    })

    test.each([
      ['limit', '0'],
      ['limit', '201'],
      ['limit', '-1'],
      ['limit', '1.5'],
      ['limit', '1e1'],
      ['limit', ''],
      ['limit', ' 5'],
      ['role', 'root'],
      ['role', ''],
      ['disabled', '1'],
      ['disabled', 'TRUE'],
      ['prefix', '\0'],
      ['prefix', 'x'.repeat(65)],
      ['prefix', 'x'.repeat(5000)],
      ['cursor', ''],
      ['cursor', 'YQ='],
      ['cursor', 'YQ=='],
      ['cursor', 'YR'],
      ['cursor', '****'],
      ['cursor', 'Y'],
      ['cursor', 'gA'],
      ['cursor', 'AA'],
      ['cursor', 'QQ'],
      ['cursor', "' or 1=1 --"],
      ['cursor', 'x'.repeat(5000)],
    ])('refuses %s=%j by the name of the parameter', async (path, value) => {
      const token = await adminToken()
      const answer = await api().get(`/users?${new URLSearchParams({ [path]: value }).toString()}`, token)
      expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request', errors: [{ path }] } })
    })

    test('refuses a parameter that is there twice', async () => {
      const token = await adminToken()
      expect((await api().get('/users?role=user&role=admin', token)).status).toBe(422)
    })
  })
}
