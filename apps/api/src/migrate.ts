import { parseConfig } from './config.ts'
import { fail } from './process/fail.ts'
import { createLogger } from './process/logger.ts'
import { openDatabase } from './process/open-database.ts'

/** `pnpm db:migrate`: applies what is missing and ends. A server does the same at its start. */
async function main(): Promise<void> {
  const config = parseConfig(process.env)
  const { logger, flush } = await createLogger(config, process.stdout.isTTY)
  const database = await openDatabase(config, logger)
  await database.close()
  logger.info({}, 'the database is up to date')
  flush()
}

await main().catch(fail)
