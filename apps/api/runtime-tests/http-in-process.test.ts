import { sql } from 'drizzle-orm'
import { inject } from 'vitest'
import type { OpenDatabase } from '../src/db/open.ts'
import { createTestApp, openTestEmbedded, openTestPostgres } from './in-process.ts'
import { createDatabase } from './postgres.ts'
import { httpSuite } from './suite/http-suite.ts'
import type { Target } from './suite/target.ts'

async function serveInProcess(database: OpenDatabase): Promise<Target> {
  const { app } = await createTestApp(database)
  return {
    fetch: async (path, init) => app.request(path, init),
    sql: async (statement) => database.db.execute(sql.raw(statement)),
    stop: () => database.close(),
  }
}

httpSuite('in-process on PGlite', async () => serveInProcess(await openTestEmbedded()))
httpSuite('in-process on PostgreSQL', async () =>
  serveInProcess(await openTestPostgres(await createDatabase(inject('clusterUrl')))),
)
