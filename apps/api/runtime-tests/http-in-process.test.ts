import { sql } from 'drizzle-orm'
import { inject } from 'vitest'
import type { OpenDatabase } from '../src/db/open.ts'
import { createTestApp, openTestEmbedded, openTestPostgres, testAdministrator } from './in-process.ts'
import { createDatabase } from './postgres.ts'
import { httpSuite } from './suite/http-suite.ts'

function inProcessSuite(name: string, open: () => Promise<OpenDatabase>): void {
  let database: OpenDatabase | undefined
  const start = async (settings?: { rateLimits: boolean }) => {
    const opened = await open()
    if (!settings) database = opened
    const { app, resources } = await createTestApp(opened, settings && { settings })
    const administrator = await testAdministrator(opened, resources)
    const send = async (path: string, init?: RequestInit) => app.request(path, init)
    return { fetch: send, stop: () => opened.close(), administrator }
  }
  httpSuite(name, start, async (statement) => database?.db.execute(sql.raw(statement)))
}

inProcessSuite('in-process on PGlite', openTestEmbedded)
inProcessSuite('in-process on PostgreSQL', async () => openTestPostgres(await createDatabase(inject('clusterUrl'))))
