import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { dataDir } from '@electric-sql/pglite-prepopulatedfs'
import { drizzle } from 'drizzle-orm/pglite'
import { migrate } from 'drizzle-orm/pglite/migrator'
import { lockDataFolder } from './data-folder-lock.ts'
import { migrationsFolder } from './migrations.ts'
import type { Database, Feed, OpenDatabase } from './open.ts'
import * as schema from './schema.ts'

/**
 * Opens and migrates the embedded database in `folder`, making it at the first start.
 * Throws `DataFolderLocked` while another process has it: PGlite itself would let both write.
 */
export async function openEmbedded(folder: string): Promise<OpenDatabase> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const unlock = lockDataFolder(folder)
  try {
    const client = await openPglite(join(folder, 'postgres'))
    const db = drizzle(client, { schema })
    await migrate(db, { migrationsFolder })
    const closing = new AbortController()
    return {
      db,
      counting: db,
      feed: openFeed(client, db, closing.signal),
      async close() {
        closing.abort()
        await client.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}

/** The database in `folder` as it is: nothing is migrated. Undefined where there is none yet. */
export async function inspectEmbedded(folder: string): Promise<Pick<OpenDatabase, 'db' | 'close'> | undefined> {
  if (!holdsCluster(join(folder, 'postgres'))) return undefined
  const unlock = lockDataFolder(folder)
  try {
    const client = await openPglite(join(folder, 'postgres'))
    return { db: drizzle(client, { schema }), close: () => client.close().finally(unlock) }
  } catch (error) {
    unlock()
    throw error
  }
}

const holdsCluster = (folder: string) => existsSync(join(folder, 'PG_VERSION'))

async function openPglite(folder: string): Promise<PGlite> {
  const isNew = !holdsCluster(folder)
  // An archive of a fresh cluster is unpacked in a third of the time that initdb takes.
  return PGlite.create(folder, isNew ? { loadDataDir: await dataDir() } : {})
}

/** One process, one connection: nothing to wait for, and nothing to lose. */
function openFeed(client: PGlite, db: Database, closed: AbortSignal): Feed {
  return {
    read: (select) => select(db),
    listen: (channel, heard) =>
      void client
        .unlisten(channel)
        .then(() => client.listen(channel, heard))
        .catch(() => undefined),
    closed,
  }
}
