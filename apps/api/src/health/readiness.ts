import type { Keyring } from '../keys/keyring.ts'

export type Checks = Record<'database' | 'migrations' | 'keys', string>
export type ReadinessChecks = () => Promise<{ ready: boolean; checks: Checks }>

/** Checks what a sign-in needs: the database, its migrations and an open signing key. Each says `ok` or what is wrong. */
export function createReadinessChecks(isMigrated: () => Promise<boolean>, keyring: Keyring): ReadinessChecks {
  return async () => {
    const migrated = await isMigrated().catch(() => undefined)
    const checks = {
      database: migrated === undefined ? 'unreachable' : 'ok',
      migrations: migrated === undefined ? 'unknown' : migrated ? 'ok' : 'pending',
      keys: describeKeys(keyring),
    }
    return { ready: Object.values(checks).every((check) => check === 'ok'), checks }
  }
}

/** Says which keys the configured master secrets don't open. */
export function describeKeys({ signer, sealedKids }: Keyring): string {
  if (signer) return 'ok'
  return `GATEHOUSE_SECRET does not open the signing key ${sealedKids.join(', ')}: set the secret that sealed it, or restore the row`
}
