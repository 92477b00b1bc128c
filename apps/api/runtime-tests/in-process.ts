import { createApp } from '../src/app.ts'
import type { Origin } from '../src/audit/event.ts'
import type { Clock, Log } from '../src/context.ts'
import { pickArgon2id } from '../src/crypto/argon2.ts'
import { openEmbedded } from '../src/db/open-embedded.ts'
import { openPostgres } from '../src/db/open-postgres.ts'
import type { OpenDatabase } from '../src/db/open.ts'
import { installedDocsAssets } from '../src/process/docs-assets.ts'
import { createAdministrator } from '../src/operators/commands.ts'
import { createOperatorQueries } from '../src/operators/queries.ts'
import { type Platform, type Resources, type Settings, createResources } from '../src/resources.ts'
import { temporaryFolder, testSecret } from './server.ts'
import { freshName, goodPassword } from './suite/target.ts'

export const testSettings: Settings = {
  masterSecrets: [testSecret],
  issuer: 'http://127.0.0.1:8000',
  accessTokenTtl: 1800,
  signingKeyMaxAge: 90 * 86_400,
  sessionIdleTtl: 14 * 86_400,
  sessionMaxTtl: 90 * 86_400,
  auditRetention: 365 * 86_400,
  passwordMinLength: 8,
  breachedPasswordsUrl: undefined,
  corsOrigins: [],
  trustedProxies: undefined,
  forwardedHeader: undefined,
  rateLimits: false, // tests come from one address, and try a lot
  hstsMaxAge: 0,
}

/** Where what tests do directly comes from. */
export const origin: Origin = { actor: 'anonymous' }

/** Keeps what is logged, for tests to look at. */
export function createMemoryLog(): Log & { lines: { fields: object; message: string }[] } {
  const lines: { fields: object; message: string }[] = []
  const write = (fields: object, message: string) => void lines.push({ fields, message })
  return { lines, info: write, warn: write, error: write }
}

/** The application in this process over an open database. */
export async function createTestApp(
  database: OpenDatabase,
  options: { settings?: Partial<Settings>; platform?: Partial<Platform>; clock?: Clock } = {},
) {
  const resources = await createResources(
    { ...testSettings, ...options.settings },
    {
      database,
      argon2id: (await pickArgon2id()).argon2id,
      hashConcurrency: 2,
      clock: options.clock ?? (() => new Date()),
      log: createMemoryLog(),
      docsAssets: installedDocsAssets,
      addressOf: () => '203.0.113.7',
      ...options.platform,
    },
  )
  return { app: createApp(resources), resources }
}

/** Makes an administrator as the command line does; the name. */
export async function testAdministrator({ db }: OpenDatabase, resources: Resources, now = new Date()): Promise<string> {
  const username = freshName('administrator')
  const tools = { ...resources, resets: resources.passwordResets, operators: createOperatorQueries(db), now }
  await createAdministrator(tools, { username, password: goodPassword })
  return username
}

export const openTestEmbedded = (): Promise<OpenDatabase> => openEmbedded(temporaryFolder())

export const openTestPostgres = (url: string): Promise<OpenDatabase> =>
  openPostgres({ url, poolSize: 10, prepare: true }, () => undefined)
