import { sql } from 'drizzle-orm'
import type { OpenDatabase } from '../src/db/open.ts'
import { createTestApp, openTestEmbedded, testAdministrator } from './in-process.ts'
import { httpSuite } from './suite/http-suite.ts'

// On PostgreSQL the spawned servers show the same, sockets included. An embedded database is theirs alone: only here can a
// test look into it.
let database: OpenDatabase | undefined

async function start(settings?: { rateLimits: boolean }) {
  const opened = await openTestEmbedded()
  if (!settings) database = opened
  const { app, resources } = await createTestApp(opened, settings && { settings })
  const administrator = await testAdministrator(opened, resources)
  const send = async (path: string, init?: RequestInit) => app.request(path, init)
  return { fetch: send, stop: () => opened.close(), administrator }
}

httpSuite('in-process on PGlite', start, async (statement) => database?.db.execute(sql.raw(statement)))
