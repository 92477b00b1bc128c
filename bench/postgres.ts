import { createDatabase, query, startCluster } from '../apps/api/runtime-tests/postgres.ts'

export interface Databases {
  /** Of the server, as it names itself. */
  version: string
  /** A new, empty database; its URL. */
  create(): Promise<string>
  /** Drops what was created, and stops a server of our own. */
  close(): Promise<void>
}

/** Databases on the server at `BENCH_DATABASE_URL`, or else on one of our own in a temporary folder. */
export async function openDatabases(): Promise<Databases> {
  const given = process.env['BENCH_DATABASE_URL']
  const cluster = given ? { url: given, stop: async () => undefined } : await startOwn()
  const created: string[] = []
  const [row] = await query(cluster.url, 'show server_version')
  return {
    version: String(row?.['server_version']),
    async create() {
      const url = await createDatabase(cluster.url)
      created.push(new URL(url).pathname.slice(1))
      return url
    },
    async close() {
      if (given) for (const name of created) await query(given, `drop database if exists ${name} with (force)`)
      await cluster.stop()
    },
  }
}

async function startOwn() {
  delete process.env['TEST_DATABASE_URL'] // the server of the tests is not the benchmark's to use
  const cluster = await startCluster()
  // The tests do without; here a commit costs what it costs in production.
  await query(cluster.url, 'alter system set fsync = on')
  await query(cluster.url, 'select pg_reload_conf()')
  return cluster
}
