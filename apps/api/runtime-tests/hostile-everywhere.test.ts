import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import type { Argon2id } from '../src/crypto/argon2.ts'
import type { OpenDatabase } from '../src/db/open.ts'
import { createTestApp, openTestEmbedded, openTestPostgres } from './in-process.ts'
import { createDatabase } from './postgres.ts'
import { withContract } from './suite/contract.ts'
import { hostileSuite } from './suite/hostile.ts'
import { type Api, createApi } from './suite/target.ts'

/** No password hash at all: thousands of requests come as far as hashing. */
const quickDigest: Argon2id = ({ password, salt, length }) =>
  Promise.resolve(new Uint8Array(createHash('sha512').update(salt).update(password).digest().subarray(0, length)))

describe.each<[string, () => Promise<OpenDatabase>]>([
  ['PGlite', openTestEmbedded],
  ['PostgreSQL', async () => openTestPostgres(await createDatabase(inject('clusterUrl')))],
])('every naughty string in every field on %s', (_name, open) => {
  let database: OpenDatabase | undefined
  let api: Api | undefined

  beforeAll(async () => {
    database = await open()
    const { app } = await createTestApp(database, { platform: { argon2id: quickDigest } })
    api = createApi(await withContract({ fetch: async (path, init) => app.request(path, init), stop: () => Promise.resolve() }))
  })
  afterAll(() => database?.close())

  const started = (): Api => {
    if (!api) throw new Error('the application has not started')
    return api
  }
  hostileSuite(started, { sql: async (statement) => database?.db.execute(sql.raw(statement)), step: 1 })
})
