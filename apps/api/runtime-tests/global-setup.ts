import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { constants, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startCluster } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The PostgreSQL server that all test files share. */
    clusterUrl: string
  }
}

/** Starts one PostgreSQL for the whole run, and gives all tests one temporary folder, removed at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Inherited by all that follows. Servers compute hashes at the lowest priority: beside two busy processes of the usual one,
  // which are what another test may be, a sign-in would wait for its hash until the request is given up.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-tests-'))
  chmodSync(folder, 0o755) // PostgreSQL runs as another user
  process.env['TMPDIR'] = folder
  const cluster = await startCluster()
  project.provide('clusterUrl', cluster.url)
  return async () => {
    await cluster.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
