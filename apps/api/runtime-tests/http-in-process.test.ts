import { inject } from 'vitest'
import type { OpenDatabase } from '../src/db/open.ts'
import { createTestApp, openTestEmbedded, openTestPostgres, testAdministrator } from './in-process.ts'
import { createDatabase } from './postgres.ts'
import { httpSuite } from './suite/http-suite.ts'

function inProcessSuite(name: string, open: () => Promise<OpenDatabase>): void {
  httpSuite(name, async () => {
    const database = await open()
    const { app, resources } = await createTestApp(database)
    const administrator = await testAdministrator(database, resources)
    return { fetch: async (path, init) => app.request(path, init), stop: () => database.close(), administrator }
  })
}

inProcessSuite('in-process on PGlite', openTestEmbedded)
inProcessSuite('in-process on PostgreSQL', async () => openTestPostgres(await createDatabase(inject('clusterUrl'))))
