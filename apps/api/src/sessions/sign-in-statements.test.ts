import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createTestApp, openTestPostgres, origin } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import { goodPassword } from '../../runtime-tests/suite/target.ts'
import { createAuditQueries } from '../audit/queries.ts'
import type { OpenDatabase } from '../db/open.ts'
import * as schema from '../db/schema.ts'
import type { Resources } from '../resources.ts'
import { register } from '../users/register.ts'
import { createUserQueries } from '../users/queries.ts'
import { createSessionQueries } from './queries.ts'
import { signIn } from './sign-in.ts'

let database: OpenDatabase
let resources: Resources
let client: postgres.Sql
let statements: string[] = []

beforeAll(async () => {
  const url = await createDatabase(inject('clusterUrl'))
  database = await openTestPostgres(url)
  resources = (await createTestApp(database)).resources
  client = postgres(url, { max: 1, fetch_types: false, debug: (_connection, text) => void statements.push(text) })
})
afterAll(() => Promise.all([client.end(), database.close()]))

test('signIn() takes the same statements for an unknown name, a wrong password and a disabled account', async () => {
  const { users, passwords } = resources
  for (const username of ['ada', 'grace']) {
    await register({ queries: users, passwords, now: new Date(), origin }, { username, password: goodPassword })
  }
  await client`update users set disabled_at = now() where username = 'grace'`
  const db = drizzle(client, { schema })
  const watched = {
    ...resources,
    users: createUserQueries(db),
    sessions: createSessionQueries(db, { idle: 1000, max: 1000 }),
    audit: createAuditQueries(db),
  }
  const statementsOf = async (username: string, password: string) => {
    statements = []
    const device = { userAgent: null, addressPrefix: null, address: undefined, device: undefined }
    expect(await signIn({ ...watched, now: new Date(), origin }, { username, password }, device)).toBe('invalid_credentials')
    return statements
  }
  const unknown = await statementsOf('nobody', 'not the password')
  expect(unknown).toHaveLength(2)
  expect(unknown[0]).toMatch(/^select .* from "users"/)
  expect(unknown[1]).toMatch(/^insert into "audit_events"/)
  expect(await statementsOf('ada', 'not the password')).toEqual(unknown)
  expect(await statementsOf('grace', 'not the password')).toEqual(unknown)
  expect(await statementsOf('grace', goodPassword)).toEqual(unknown)
  expect(await statementsOf('nobody', goodPassword)).toEqual(unknown)
})
