import { type AuditQueries, createAuditQueries } from './audit/queries.ts'
import type { Clock, Log } from './context.ts'
import { type Argon2id } from './crypto/argon2.ts'
import { type PasswordHasher, createPasswordHasher } from './crypto/password.ts'
import { createVault } from './crypto/secret.ts'
import { createMigrationCheck } from './db/migrations.ts'
import type { OpenDatabase } from './db/open.ts'
import type { DocsAssets } from './docs/routes.ts'
import { type ExportQueries, createExportQueries } from './export/queries.ts'
import { type ReadinessChecks, createReadinessChecks } from './health/readiness.ts'
import { type AccessTokens, createAccessTokens } from './keys/access-token.ts'
import { keepKeysCurrent } from './keys/keep-current.ts'
import { type Keyring, openKeyring } from './keys/keyring.ts'
import { createKeyQueries } from './keys/queries.ts'
import { rotationRules } from './keys/rotation.ts'
import { keepClean } from './sessions/clean-up.ts'
import { type SessionQueries, createSessionQueries } from './sessions/queries.ts'
import { type RefreshTokens, createRefreshTokens } from './sessions/refresh-token.ts'
import { type Revocations, openRevocations } from './sessions/revocations.ts'
import { type Traffic, createTraffic } from './traffic.ts'
import { type UserQueries, createUserQueries } from './users/queries.ts'

/** What the application settles before it is made; the README's settings, parsed. */
export interface Settings {
  /** Newest first. */
  masterSecrets: readonly string[]
  /** `iss` and `aud` of access tokens. */
  issuer: string
  /** Seconds. */
  accessTokenTtl: number
  /** Seconds that a key signs before the next one takes its place. */
  signingKeyMaxAge: number
  /** Seconds without a refresh after which a session is over. */
  sessionIdleTtl: number
  /** Seconds after which any session is over. */
  sessionMaxTtl: number
  /** Seconds that audit events are kept. */
  auditRetention: number
  /** Code points. */
  passwordMinLength: number
  /** Origins that browsers may call from. */
  corsOrigins: readonly string[]
  /** Seconds of `Strict-Transport-Security`; 0 where TLS is not in front. */
  hstsMaxAge: number
}

/** What the runtime gives the application. */
export interface Platform {
  database: OpenDatabase
  argon2id: Argon2id
  /** Password hashes computed at once while nothing else is asked for: the core count. */
  hashConcurrency: number
  clock: Clock
  log: Log
  docsAssets: DocsAssets
  /** The address that a request came from, of what the server passes to `fetch` beside it. */
  addressOf(bindings: unknown): string | undefined
}

/** Everything that the routes work with. */
export interface Resources {
  settings: Settings
  users: UserQueries
  sessions: SessionQueries
  revocations: Revocations
  passwords: PasswordHasher
  keyring: Keyring
  tokens: AccessTokens
  refreshTokens: RefreshTokens
  audit: AuditQueries
  exports: ExportQueries
  traffic: Traffic
  readiness: ReadinessChecks
  clock: Clock
  log: Log
  docsAssets: DocsAssets
  addressOf: Platform['addressOf']
}

/** How many hashes may wait for each that is computed: about a second and a half of work. */
const queuePerHash = 32
/** Verified tokens that are remembered; about 1 KiB each. */
const rememberedTokens = 10_000

/** Opens the key ring and puts the parts together over a migrated database. */
export async function createResources(settings: Settings, platform: Platform): Promise<Resources> {
  const { database, argon2id, hashConcurrency, clock, log, docsAssets, addressOf } = platform
  const { db, feed } = database
  const { accessTokenTtl: ttl, sessionIdleTtl: idle, sessionMaxTtl: max } = settings
  const vault = await createVault(settings.masterSecrets)
  const background = { clock, log, closed: feed.closed }
  const keyQueries = createKeyQueries(database, 'system')
  const keyring = await openKeyring(keyQueries, { vault, ...background })
  void keepKeysCurrent({ queries: keyQueries, vault, keyring, rules: rotationRules(settings), ...background })
  const sessions = createSessionQueries(db, { idle, max })
  const audit = createAuditQueries(db)
  void keepClean(sessions, background)
  void keepClean({ deleteOver: (now, limit) => audit.deleteBefore(keptSince(now, settings), limit) }, background)
  const traffic = createTraffic()
  // A hash that has a core keeps it for milliseconds, however low its priority: one core is for whoever is signed in.
  const concurrency = () => Math.max(1, traffic.flows() ? hashConcurrency - 1 : hashConcurrency)
  return {
    settings,
    users: createUserQueries(db),
    sessions,
    revocations: openRevocations(sessions, { feed, tokenTtl: ttl, clock, log }),
    passwords: createPasswordHasher({ argon2id, concurrency, queueLimit: hashConcurrency * queuePerHash }),
    keyring,
    tokens: createAccessTokens({ keyring, issuer: settings.issuer, ttl, remember: rememberedTokens }),
    refreshTokens: createRefreshTokens(settings.masterSecrets),
    audit,
    exports: createExportQueries(db),
    traffic,
    readiness: createReadinessChecks(createMigrationCheck(db), keyring),
    clock,
    log,
    docsAssets,
    addressOf,
  }
}

/** Events from before are removed. */
const keptSince = (now: Date, { auditRetention }: Settings) => new Date(now.getTime() - auditRetention * 1000)
