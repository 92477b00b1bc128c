import { type AuditQueries, createAuditQueries } from './audit/queries.ts'
import { type ClientAddress, type ForwardingRules, createClientAddress } from './client-address.ts'
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
import { type DeviceTokens, createDeviceTokens } from './limits/device-token.ts'
import { type Limits, createLimits, noLimits } from './limits/limits.ts'
import { createLimitQueries } from './limits/queries.ts'
import { keepClean } from './sessions/clean-up.ts'
import { type PasswordResetQueries, createPasswordResetQueries } from './password-resets/queries.ts'
import { type SessionQueries, createSessionQueries } from './sessions/queries.ts'
import { type RefreshTokens, createRefreshTokens } from './sessions/refresh-token.ts'
import { type Revocations, openRevocations } from './sessions/revocations.ts'
import { type Traffic, createTraffic } from './traffic.ts'
import { type UserListQueries, createUserListQueries } from './user-list/queries.ts'
import { type IsBreached, breachCheckAt } from './users/breached-passwords.ts'
import { type UserQueries, createUserQueries } from './users/queries.ts'

/** What the application settles before it is made; the README's settings, parsed. */
export interface Settings extends ForwardingRules {
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
  /** The range API that knows passwords from breaches; undefined asks nobody. */
  breachedPasswordsUrl: string | undefined
  /** Origins that browsers may call from. */
  corsOrigins: readonly string[]
  /** Whether attempts are counted, and refused where there are too many. */
  rateLimits: boolean
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
  /** The address at the other end of the connection, of what the server passes to `fetch` beside it. */
  addressOf(bindings: unknown): string | undefined
}

/** Everything that the routes work with. */
export interface Resources {
  settings: Settings
  users: UserQueries
  userList: UserListQueries
  passwordResets: PasswordResetQueries
  sessions: SessionQueries
  revocations: Revocations
  passwords: PasswordHasher
  isBreached: IsBreached
  keyring: Keyring
  tokens: AccessTokens
  refreshTokens: RefreshTokens
  limits: Limits
  deviceTokens: DeviceTokens
  traffic: Traffic
  audit: AuditQueries
  exports: ExportQueries
  readiness: ReadinessChecks
  clock: Clock
  log: Log
  docsAssets: DocsAssets
  clientAddress: ClientAddress
}

/** How many hashes may wait for each that is computed: about a second and a half of work. */
const queuePerHash = 32
/** Verified tokens that are remembered; about 1 KiB each. */
const rememberedTokens = 10_000

/** Opens the key ring and puts the parts together over a migrated database. */
export async function createResources(settings: Settings, platform: Platform): Promise<Resources> {
  const { database, argon2id, hashConcurrency, clock, log, docsAssets, addressOf } = platform
  const { db, counting, feed } = database
  const { accessTokenTtl: ttl, sessionIdleTtl: idle, sessionMaxTtl: max, breachedPasswordsUrl } = settings
  const vault = await createVault(settings.masterSecrets)
  const background = { clock, log, closed: feed.closed }
  const keyQueries = createKeyQueries(database, 'system')
  const keyring = await openKeyring(keyQueries, { vault, ...background })
  void keepKeysCurrent({ queries: keyQueries, vault, keyring, rules: rotationRules(settings), ...background })
  const sessions = createSessionQueries(db, { idle, max })
  const audit = createAuditQueries(db)
  const auditLimit = (now: Date) => new Date(now.getTime() - settings.auditRetention * 1000)
  const limitQueries = createLimitQueries(counting)
  const cleanings = {
    sessions: sessions.deleteOver,
    limits: limitQueries.deleteOver,
    'audit events': (now: Date, limit: number) => audit.deleteBefore(auditLimit(now), limit),
  }
  void keepClean(cleanings, background)
  const deviceTokens = createDeviceTokens(settings.masterSecrets)
  const traffic = createTraffic()
  // A hash that has a core keeps it for milliseconds, however low its priority: one core is for whoever is signed in.
  const concurrency = () => Math.max(1, traffic.flows() ? hashConcurrency - 1 : hashConcurrency)
  return {
    settings,
    users: createUserQueries(db),
    userList: createUserListQueries(db),
    passwordResets: createPasswordResetQueries(db),
    sessions,
    revocations: openRevocations(sessions, { feed, tokenTtl: ttl, clock, log }),
    passwords: createPasswordHasher({ argon2id, concurrency, queueLimit: hashConcurrency * queuePerHash }),
    isBreached: breachCheckAt(breachedPasswordsUrl, { clock, log }),
    keyring,
    tokens: createAccessTokens({ keyring, issuer: settings.issuer, ttl, remember: rememberedTokens }),
    refreshTokens: createRefreshTokens(settings.masterSecrets),
    limits: settings.rateLimits ? createLimits({ queries: limitQueries, devices: deviceTokens, clock, log }) : noLimits,
    deviceTokens,
    traffic,
    audit,
    exports: createExportQueries(db),
    readiness: createReadinessChecks(createMigrationCheck(db), keyring),
    clock,
    log,
    docsAssets,
    clientAddress: createClientAddress(settings, addressOf),
  }
}
