import { z } from 'zod'
import { parseTrustedProxies } from './client-address.ts'
import type { Settings } from './resources.ts'

/** Where a process listens, what it stores in, and how it behaves: the parsed environment. */
export interface Config {
  host: string
  port: number
  database: { kind: 'embedded'; folder: string } | { kind: 'postgres'; url: string; poolSize: number; prepare: boolean }
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  settings: Omit<Settings, 'masterSecrets'> & {
    /** Undefined with the embedded database, which makes its own. */
    masterSecrets: readonly string[] | undefined
  }
}

/** The environment is unusable; `problems` names every variable at fault and the way to mend it. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((line) => `  - ${line}`).join('\n')}`)
    this.problems = problems
  }
}

const secretMinLength = 32
const oneDay = 86_400
const oneYear = 365 * oneDay

const integer = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`
  return z
    .string()
    .regex(/^\d{1,9}$/, error)
    .transform(Number)
    .refine((n) => n >= least && n <= most, error)
}

const httpUrl = 'must be an http:// or https:// URL without path, query or fragment, such as https://accounts.example.com'

const origin = z
  .string()
  .refine(isOrigin, httpUrl)
  .transform((url) => new URL(url).origin)

const proxies =
  'must be a number of proxies from 1 to 16, or networks and addresses separated by commas, such as 127.0.0.1, 10.0.0.0/8'
const rangeUrl =
  'must be an https:// URL (on this machine also http://) without credentials, query or fragment, such as https://api.pwnedpasswords.com/range'

const rangeApi = z
  .string()
  .refine(isRangeUrl, rangeUrl)
  .transform((url) => new URL(url).href.replace(/\/+$/, ''))

const Environment = z
  .object({
    HOST: z.string().default('127.0.0.1'),
    PORT: integer(0, 65_535).default(8000),
    DATABASE_URL: z
      .string()
      .refine(isPostgresUrl, 'must be a URL such as postgres://user:password@host:5432/database')
      .optional(),
    DATABASE_POOL_SIZE: integer(1, 1000).default(10),
    DATABASE_PREPARE: z.enum(['on', 'off'], 'must be on or off').default('on'),
    DATA_DIR: z.string().default('.data'),
    GATEHOUSE_SECRET: z
      .string()
      .transform((list) => list.split(',').map((secret) => secret.trim()))
      .refine(
        (secrets) => secrets.every((secret) => secret.length >= secretMinLength),
        `must have at least ${secretMinLength} characters (several secrets, newest first, are separated by commas); make one with: openssl rand -base64 32`,
      )
      .optional(),
    ACCESS_TOKEN_TTL: integer(30, 86_400).default(1800),
    SIGNING_KEY_MAX_AGE: integer(3600, 10 * oneYear).default(90 * oneDay),
    SESSION_IDLE_TTL: integer(60, oneYear).default(14 * oneDay),
    SESSION_MAX_TTL: integer(60, 10 * oneYear).default(90 * oneDay),
    AUDIT_RETENTION: integer(oneDay, 10 * oneYear).default(oneYear),
    PASSWORD_MIN_LENGTH: integer(8, 64).default(8),
    BREACHED_PASSWORDS_URL: rangeApi.optional(),
    PUBLIC_URL: origin.optional(),
    CORS_ORIGINS: z
      .string()
      .transform((list) => list.split(',').map((entry) => entry.trim()))
      .pipe(z.array(origin))
      .default([]),
    TRUSTED_PROXIES: z
      .string()
      .transform((text, context) => {
        const trusted = parseTrustedProxies(text)
        if (trusted) return trusted
        context.addIssue({ code: 'custom', message: proxies })
        return z.NEVER
      })
      .optional(),
    FORWARDED_HEADER: z
      .string()
      .toLowerCase()
      .pipe(z.enum(['x-forwarded-for', 'forwarded'], 'must be x-forwarded-for or forwarded'))
      .optional(),
    RATE_LIMITS: z.enum(['on', 'off'], 'must be on or off').default('on'),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent'], 'must be debug, info, warn, error or silent').default('info'),
  })
  .refine((env) => env.DATABASE_URL === undefined || env.GATEHOUSE_SECRET !== undefined, {
    path: ['GATEHOUSE_SECRET'],
    error: `is required with DATABASE_URL: ${secretMinLength} characters or more, the same for every instance; make one with: openssl rand -base64 32`,
    when: () => true,
  })

/**
 * Reads the configuration from environment variables; an empty one counts as absent.
 * Throws a `ConfigError` that lists every problem and never a value.
 */
export function parseConfig(env: Record<string, string | undefined>): Config {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const result = Environment.safeParse(present)
  if (!result.success) {
    throw new ConfigError(result.error.issues.map(({ path, message }) => `${String(path[0])} ${message}`))
  }
  return toConfig(result.data)
}

function toConfig(env: z.output<typeof Environment>): Config {
  const issuer = env.PUBLIC_URL ?? 'http://127.0.0.1:8000' // the same on every port, so that instances accept each other's tokens
  return {
    host: env.HOST,
    port: env.PORT,
    database:
      env.DATABASE_URL === undefined
        ? { kind: 'embedded', folder: env.DATA_DIR }
        : { kind: 'postgres', url: env.DATABASE_URL, poolSize: env.DATABASE_POOL_SIZE, prepare: env.DATABASE_PREPARE === 'on' },
    logLevel: env.LOG_LEVEL,
    settings: {
      masterSecrets: env.GATEHOUSE_SECRET,
      issuer,
      accessTokenTtl: env.ACCESS_TOKEN_TTL,
      signingKeyMaxAge: env.SIGNING_KEY_MAX_AGE,
      sessionIdleTtl: env.SESSION_IDLE_TTL,
      sessionMaxTtl: env.SESSION_MAX_TTL,
      auditRetention: env.AUDIT_RETENTION,
      passwordMinLength: env.PASSWORD_MIN_LENGTH,
      breachedPasswordsUrl: env.BREACHED_PASSWORDS_URL,
      corsOrigins: env.CORS_ORIGINS,
      trustedProxies: env.TRUSTED_PROXIES,
      forwardedHeader: env.FORWARDED_HEADER,
      rateLimits: env.RATE_LIMITS === 'on',
      hstsMaxAge: issuer.startsWith('https:') ? oneYear : 0,
    },
  }
}

function isPostgresUrl(text: string): boolean {
  return /^postgres(?:ql)?:$/.test(URL.parse(text)?.protocol ?? '')
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`
}

/** Five digits of a hash are little to learn, but who can alter the answer can refuse any password. */
function isRangeUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.href !== url.origin + url.pathname) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname))
}
