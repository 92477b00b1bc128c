import { inject } from 'vitest'
import { gatehouse } from '../command.ts'
import { createDatabase, query } from '../postgres.ts'
import { type Runtime, spawnServer, temporaryFolder, testSecret } from '../server.ts'
import { httpSuite } from './http-suite.ts'
import { type AdministeredTarget, goodPassword } from './target.ts'

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

/** A server with an administrator, who is there before it starts: nothing else can open the embedded database then. */
async function serve(runtime: Runtime, env: Record<string, string>): Promise<AdministeredTarget> {
  const administrator = 'the-first-administrator'
  const command = ['users', 'create-admin', administrator, '--password-stdin']
  const { code, stderr } = await gatehouse(command, env, { runtime, input: `${goodPassword}\n` })
  if (code !== 0) throw new Error(stderr)
  const server = await spawnServer(runtime, env)
  return { fetch: (path, init) => fetch(server.url + path, init), url: server.url, stop: server.stop, administrator }
}
