import { inject } from 'vitest'
import { createDatabase, query } from '../postgres.ts'
import { type Runtime, spawnServer, temporaryFolder, testSecret } from '../server.ts'
import { httpSuite } from './http-suite.ts'
import type { Target } from './target.ts'

/** The HTTP suite against real servers on `runtime`, one on each kind of database. */
export function spawnedSuite(runtime: Runtime): void {
  httpSuite(`${runtime} on PGlite`, (options) => serve(runtime, { ...environmentOf(options), DATA_DIR: temporaryFolder() }))

  let url = ''
  const start = async (options?: { rateLimits: boolean }) => {
    const database = await createDatabase(inject('clusterUrl'))
    if (!options) url = database
    return serve(runtime, { ...environmentOf(options), DATABASE_URL: database, GATEHOUSE_SECRET: testSecret })
  }
  httpSuite(`${runtime} on PostgreSQL`, start, (statement) => query(url, statement))
}

const environmentOf = (options?: { rateLimits: boolean }) => ({ RATE_LIMITS: options?.rateLimits ? 'on' : 'off' })

async function serve(runtime: Runtime, env: Record<string, string>): Promise<Target> {
  const server = await spawnServer(runtime, env)
  return { fetch: (path, init) => fetch(server.url + path, init), url: server.url, stop: server.stop }
}
