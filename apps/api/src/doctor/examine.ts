import type { Config } from '../config.ts'
import type { Argon2id } from '../crypto/argon2.ts'
import { createPasswordHasher } from '../crypto/password.ts'
import { type Vault, createVault } from '../crypto/secret.ts'
import { codeOf } from '../db/database-error.ts'
import { migrationTimes } from '../db/migrations.ts'
import type { Database } from '../db/open.ts'
import { findAllKeys } from '../keys/queries.ts'
import { openPrivateKey } from '../keys/signing-key.ts'
import { checkClientAddress } from './address-check.ts'
import {
  judgeAdministrators,
  judgeClock,
  judgeKeys,
  judgeLimits,
  judgeMigrations,
  judgeTables,
  judgeVersion,
} from './database-checks.ts'
import { type Finding, failure, ok } from './finding.ts'
import { type DatabaseFacts, readClock, readFacts } from './queries.ts'
import { judgeCookies, judgeCors, judgeHash, judgePublicUrl } from './setting-checks.ts'

/** A database to look at: as it is, nothing is migrated. */
export type Inspected = { state: 'open'; db: Database; close(): Promise<void> } | { state: 'new' } | { state: 'busy' }

/** What the examination needs of the machine. */
export interface Instruments {
  inspectDatabase(): Promise<Inspected>
  /** Newest first; none where they are lost. */
  masterSecrets(): readonly string[]
  argon2id: { name: string; argon2id: Argon2id }
  cores: number
  fetch: typeof fetch
}

/** Looks at everything that a deploy depends on, and changes nothing. */
export async function examine(config: Config, instruments: Instruments): Promise<Finding[]> {
  const { settings } = config
  return [
    ok('configuration', 'every setting can be used'),
    judgePublicUrl(config),
    judgeCookies(settings),
    judgeCors(settings),
    ...(await examineDatabase(config, instruments)),
    await checkClientAddress(settings.issuer, { proxied: settings.trustedProxies !== undefined, fetch: instruments.fetch }),
    await measureHash(instruments),
  ]
}

async function examineDatabase(config: Config, { inspectDatabase, masterSecrets }: Instruments): Promise<Finding[]> {
  const limits = { on: config.settings.rateLimits, shared: config.database.kind === 'postgres' }
  let inspected: Inspected | undefined
  try {
    inspected = await inspectDatabase()
    if (inspected.state === 'open') return await examineOpen(inspected.db, await openVault(masterSecrets()), limits)
    const message = inspected.state === 'new' ? 'made at the first start' : 'another process serves from it'
    return [ok('database', `embedded; ${message}`), judgeLimits(undefined, limits)]
  } catch (error) {
    const advice = 'Look at DATABASE_URL, the network, and the database’s log.'
    return [failure('database', `it can’t be asked (${codeOf(error) ?? 'no code'})`, advice)]
  } finally {
    if (inspected?.state === 'open') await inspected.close()
  }
}

async function examineOpen(db: Database, vault: Vault, limits: { on: boolean; shared: boolean }): Promise<Finding[]> {
  await readClock(db) // connects
  const before = Date.now()
  const databaseTime = await readClock(db)
  const after = Date.now()
  const facts: DatabaseFacts = { ...(await readFacts(db)), databaseTime }
  const isOurs = facts.applied.length > 0
  return [
    ok('database', 'reachable'),
    judgeVersion(facts),
    judgeClock(facts, before, after),
    judgeTables(facts),
    judgeMigrations(facts, migrationTimes()),
    judgeKeys(isOurs ? await tryKeys(db, vault) : []),
    judgeLimits(facts, limits),
    judgeAdministrators(facts),
  ]
}

const openVault = (secrets: readonly string[]) => createVault(secrets.length > 0 ? secrets : ['nothing is sealed under this one'])

async function tryKeys(db: Database, vault: Vault) {
  const keys = await findAllKeys(db)
  return Promise.all(keys.map(async (key) => ({ ...key, opens: (await openPrivateKey(key, vault)) !== undefined })))
}

const hashes = 3

async function measureHash({ argon2id: { name, argon2id }, cores }: Instruments): Promise<Finding> {
  const passwords = createPasswordHasher({ argon2id, concurrency: () => 1, queueLimit: 1 })
  const times: number[] = []
  for (let i = 0; i < hashes; i += 1) {
    const begun = performance.now()
    await passwords.hash('a password to measure with')
    times.push(performance.now() - begun)
  }
  return judgeHash({ name, milliseconds: Math.min(...times), cores })
}
