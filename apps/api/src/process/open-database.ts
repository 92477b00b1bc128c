import { resolve } from 'node:path'
import type { Config } from '../config.ts'
import type { Log } from '../context.ts'
import { codeOf } from '../db/database-error.ts'
import type { OpenDatabase } from '../db/open.ts'

/** Milliseconds between two lines that say what is waited for. */
const tellingInterval = 5_000

/** Opens and migrates the configured database. Each driver is loaded only where it is used: PGlite is large. */
export async function openDatabase({ database }: Config, log: Log): Promise<OpenDatabase> {
  if (database.kind === 'embedded') {
    const { openEmbedded } = await import('../db/open-embedded.ts')
    return openEmbedded(resolve(database.folder))
  }
  const { openPostgres } = await import('../db/open-postgres.ts')
  let toldAt = -Infinity
  return openPostgres(database, (error) => {
    if (performance.now() - toldAt < tellingInterval) return
    toldAt = performance.now()
    log.warn({ code: codeOf(error) }, 'waiting for the database')
  })
}
