import { mkdtempSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fillTutorial } from '../apps/api/runtime-tests/tutorial-source.ts'
import { type HashTime, measureHash } from './hash-time.ts'
import type { Databases } from './postgres.ts'
import { outputOf } from './processes.ts'

/** How long `gatehouse import tutorial` took. */
export interface Import {
  /** Where the accounts went. */
  into: 'PostgreSQL' | 'the embedded database'
  accounts: number
  /** Of the whole command, from its start. */
  seconds: number
  /** The same command once more, which finds everybody there. */
  again: number
  /** Measured just before. */
  hash: HashTime
}

const cli = fileURLToPath(new URL('../apps/api/src/cli.ts', import.meta.url))

/** Brings so many accounts over from a tutorial's database, into PostgreSQL and into the embedded database. */
export async function measureImports(databases: Databases, accounts: number): Promise<Import[]> {
  const source = await databases.create()
  await fillTutorial(source, accounts)
  const intoPostgres = { DATABASE_URL: await databases.create(), GATEHOUSE_SECRET: 'a secret that only the benchmarks use' }
  const intoEmbedded = { DATA_DIR: mkdtempSync(join(tmpdir(), 'import-')) }
  return [
    { into: 'PostgreSQL', accounts, ...(await measure(source, intoPostgres, accounts)) },
    { into: 'the embedded database', accounts, ...(await measure(source, intoEmbedded, accounts)) },
  ]
}

async function measure(source: string, env: Record<string, string>, accounts: number) {
  const run = async () => {
    const startedAt = performance.now()
    const summary = JSON.parse(await outputOf(process.execPath, [cli, 'import', 'tutorial', '--from', source, '--json'], '', env))
    return { seconds: (performance.now() - startedAt) / 1000, ...(summary as { imported: number; already_imported: number }) }
  }
  const hash = await measureHash(availableParallelism())
  const first = await run()
  const second = await run()
  if (first.imported !== accounts || second.already_imported !== accounts) throw new Error('not all accounts came over')
  return { seconds: first.seconds, again: second.seconds, hash }
}
