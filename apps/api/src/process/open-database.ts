import { resolve } from 'node:path'
import type { Config } from '../config.ts'
import type { Log } from '../context.ts'
import { describeError } from '../db/database-error.ts'
import type { OpenDatabase } from '../db/open.ts'

/** Opens and migrates the configured database. Each driver is loaded only where it is used: PGlite alone takes 150 MB. */
export async function openDatabase({ database }: Config, log: Log): Promise<OpenDatabase> {
  if (database.kind === 'embedded') {
    const { openEmbedded } = await import('../db/open-embedded.ts')
    return openEmbedded(resolve(database.folder))
  }
  const { openPostgres } = await import('../db/open-postgres.ts')
  return openPostgres(database, (error) => log.warn({ error: describeError(error) }, 'waiting for the database'))
}
