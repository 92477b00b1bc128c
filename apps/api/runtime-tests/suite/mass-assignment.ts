import { getTableColumns } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import * as schema from '../../src/db/schema.ts'
import { readOperations } from './operations.ts'
import { type Api, type Json, freshName, goodPassword } from './target.ts'

const elsewhere = '1999-01-01T00:00:00.000Z'
const somebody = '019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42'

/** What a column would hold if it could be named in a request. */
const injected: Record<string, unknown> = {
  date: elsewhere,
  string: 'injected',
  number: 99,
  bigint: 99,
  json: { injected: true },
}

/** Every column of every table by both its names, as one might hope to set it. */
function everyColumn(): Json {
  const tables = Object.values(schema).filter((thing) => thing instanceof PgTable)
  const members = tables.flatMap((table) =>
    Object.entries(getTableColumns(table)).flatMap(([name, column]) => {
      const value = column.getSQLType() === 'uuid' ? somebody : injected[column.dataType]
      return [
        [name, value],
        [column.name, value],
      ] as const
    }),
  )
  const passwordHash = '$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
  const guesses = {
    admin: true,
    isAdmin: true,
    is_admin: true,
    roles: ['admin'],
    hash: passwordHash,
    password_hash: passwordHash,
  }
  return { ...Object.fromEntries(members), ...guesses, role: 'admin' }
}

/** All of them that `operation` does not document. */
async function undocumented(api: Api, operation: string): Promise<Json> {
  const described = (await readOperations(api)).find(({ name }) => name === operation)
  if (!described) throw new Error(`there is no ${operation}`)
  const documented = new Set(described.fields.map(({ name }) => name))
  return Object.fromEntries(Object.entries(everyColumn()).filter(([name]) => !documented.has(name)))
}

const asForm = (members: Json): Record<string, string> =>
  Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )

/** Members that name columns: only documented ones have an effect. */
export function massAssignmentSuite(api: () => Api): void {
  describe('a request that names every column', () => {
    const today = expect.stringMatching(/^(?!1999)/)
    const expectUntouched = async (username: string, token: string, birthday: string | null): Promise<Json> => {
      const { body: me } = await api().get('/users/me', token)
      expect(me).toMatchObject({ id: expect.not.stringMatching(somebody), username, role: 'user' })
      const { body: account } = await api().get(`/user/?username=${username}`, token)
      expect(account).toMatchObject({ username, birthday, create_time: today, last_login: today })
      const sessions = JSON.stringify((await api().get('/sessions', token)).body)
      expect(sessions).not.toMatch(new RegExp(`injected|1999|${somebody}`))
      return me
    }

    test('registers an account like any other', async () => {
      const username = freshName()
      const members = await undocumented(api(), 'POST /user/')
      expect(Object.keys(members)).toEqual(
        expect.arrayContaining(['username_key', 'usernameKey', 'disabled_at', 'user_id', 'role']),
      )
      expect((await api().register(username, goodPassword, members)).status).toBe(200)
      await expectUntouched(username, await api().token(username), null)
    })

    test('changes the documented members alone', async () => {
      const { username, token } = await api().account()
      const before = await expectUntouched(username, token, null)
      const change = { ...(await undocumented(api(), 'PATCH /user/')), username, birthday: '1990-05-17' }
      expect((await api().json('PATCH', '/user/', change, token)).status).toBe(200)
      expect(await expectUntouched(username, token, '1990-05-17')).toEqual(before)
      expect((await api().login(username)).status).toBe(200)
    })

    test.each(['POST /login', 'POST /token'])('opens a session like any other at %s', async (operation) => {
      const { username } = await api().account()
      const fields = { username, password: goodPassword, grant_type: 'password' }
      const members = asForm(await undocumented(api(), operation))
      const opened = await api().form('POST', operation.replace('POST ', ''), { ...members, ...fields })
      expect(opened.status).toBe(200)
      await expectUntouched(username, String(opened.body['access_token']), null)

      const refresh = { ...asForm(await undocumented(api(), 'POST /token')), grant_type: 'refresh_token' }
      let token = String(opened.body['refresh_token'])
      for (let round = 0; round < 2; round += 1) {
        const answer = await api().form('POST', '/token', { ...refresh, refresh_token: token })
        expect(answer.status).toBe(200)
        token = String(answer.body['refresh_token'])
        await expectUntouched(username, String(answer.body['access_token']), null)
      }
    })
  })
}
