import { resolve } from 'node:path'
import { parseConfig } from './config.ts'
import { openEmbedded } from './db/open-embedded.ts'
import { migratePostgres } from './db/open-postgres.ts'

/** `pnpm db:migrate`: applies what is missing and ends. A server does the same at its start. */
const { database } = parseConfig(process.env)
if (database.kind === 'postgres') await migratePostgres(database)
else await (await openEmbedded(resolve(database.folder))).close()
process.stdout.write('The database is up to date.\n')
