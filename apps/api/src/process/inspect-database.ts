import { resolve } from 'node:path'
import type { Config } from '../config.ts'
import type { Inspected } from '../doctor/examine.ts'

/** Opens the configured database as it is, if there is one and nobody else has it. */
export async function inspectDatabase({ database }: Config): Promise<Inspected> {
  if (database.kind === 'postgres') {
    const { inspectPostgres } = await import('../db/open-postgres.ts')
    return { state: 'open', ...inspectPostgres(database) }
  }
  const { inspectEmbedded } = await import('../db/open-embedded.ts')
  const { DataFolderLocked } = await import('../db/data-folder-lock.ts')
  try {
    const opened = await inspectEmbedded(resolve(database.folder))
    return opened ? { state: 'open', ...opened } : { state: 'new' }
  } catch (error) {
    if (error instanceof DataFolderLocked) return { state: 'busy' }
    throw error
  }
}
