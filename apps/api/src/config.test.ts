import { describe, expect, test } from 'vitest'
import { ConfigError, parseConfig } from './config.ts'

const secret = 'a master secret of the tests and long enough'
const postgres = { DATABASE_URL: 'postgres://api:hunter2@db.example:5432/accounts', GATEHOUSE_SECRET: secret }

const defaults = {
  host: '127.0.0.1',
  port: 8000,
  database: { kind: 'embedded', folder: '.data' },
  logLevel: 'info',
  settings: {
    masterSecrets: undefined,
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
    rateLimits: true,
    hstsMaxAge: 0,
  },
}
const variables = [
  'HOST',
  'PORT',
  'DATABASE_URL',
  'DATABASE_POOL_SIZE',
  'DATABASE_PREPARE',
  'DATA_DIR',
  'GATEHOUSE_SECRET',
  'ACCESS_TOKEN_TTL',
  'SIGNING_KEY_MAX_AGE',
  'AUDIT_RETENTION',
  'PASSWORD_MIN_LENGTH',
  'BREACHED_PASSWORDS_URL',
  'PUBLIC_URL',
  'CORS_ORIGINS',
  'TRUSTED_PROXIES',
  'FORWARDED_HEADER',
  'RATE_LIMITS',
  'LOG_LEVEL',
]

/** What parsing throws, which is expected to be a ConfigError. */
function errorOf(env: Record<string, string | undefined>): ConfigError {
  try {
    parseConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('it was accepted')
}

test('parseConfig() has a default for everything', () => {
  expect(parseConfig({})).toEqual(defaults)
})

test('parseConfig() takes an empty variable for an absent one, and ignores what it does not know', () => {
  expect(parseConfig(Object.fromEntries(variables.map((name) => [name, ''])))).toEqual(defaults)
  expect(parseConfig({ PORT: undefined, PATH: '/bin', port: 'x', ['__proto__']: 'x' })).toEqual(defaults)
})

describe('parseConfig() accepts', () => {
  const settings = (changed: object) => ({ settings: { ...defaults.settings, ...changed } })
  const pool = (changed: object) => ({
    database: { kind: 'postgres', url: postgres.DATABASE_URL, poolSize: 10, prepare: true, ...changed },
    ...settings({ masterSecrets: [secret] }),
  })
  const [one, two, three] = ['1'.repeat(32), '2'.repeat(32), '3'.repeat(40)]

  test.each<[Record<string, string>, object]>([
    [{ HOST: '0.0.0.0' }, { host: '0.0.0.0' }],
    [{ HOST: '::1' }, { host: '::1' }],
    [{ PORT: '0' }, { port: 0 }],
    [{ PORT: '65535' }, { port: 65_535 }],
    [{ DATA_DIR: '/var/lib/gatehouse' }, { database: { kind: 'embedded', folder: '/var/lib/gatehouse' } }],
    [postgres, pool({})],
    [{ ...postgres, DATA_DIR: 'x' }, pool({})],
    [{ ...postgres, DATABASE_URL: 'postgresql:///accounts?host=/run' }, pool({ url: 'postgresql:///accounts?host=/run' })],
    [{ ...postgres, DATABASE_POOL_SIZE: '1' }, pool({ poolSize: 1 })],
    [{ ...postgres, DATABASE_POOL_SIZE: '1000' }, pool({ poolSize: 1000 })],
    [{ ...postgres, DATABASE_PREPARE: 'off' }, pool({ prepare: false })],
    [{ ...postgres, DATABASE_PREPARE: 'on' }, pool({ prepare: true })],
    [{ GATEHOUSE_SECRET: one }, settings({ masterSecrets: [one] })],
    [{ GATEHOUSE_SECRET: `${three},${one}, ${two} ` }, settings({ masterSecrets: [three, one, two] })],
    [{ ACCESS_TOKEN_TTL: '30' }, settings({ accessTokenTtl: 30 })],
    [{ ACCESS_TOKEN_TTL: '86400' }, settings({ accessTokenTtl: 86_400 })],
    [{ SIGNING_KEY_MAX_AGE: '3600' }, settings({ signingKeyMaxAge: 3600 })],
    [{ SIGNING_KEY_MAX_AGE: '315360000' }, settings({ signingKeyMaxAge: 315_360_000 })],
    [{ AUDIT_RETENTION: '86400' }, settings({ auditRetention: 86_400 })],
    [{ AUDIT_RETENTION: '315360000' }, settings({ auditRetention: 315_360_000 })],
    [{ PASSWORD_MIN_LENGTH: '8' }, settings({ passwordMinLength: 8 })],
    [{ PASSWORD_MIN_LENGTH: '64' }, settings({ passwordMinLength: 64 })],
    ...(
      [
        ['https://api.pwnedpasswords.com/range', 'https://api.pwnedpasswords.com/range'],
        ['https://breaches.example/range//', 'https://breaches.example/range'],
        ['https://breaches.example:8443', 'https://breaches.example:8443'],
        ['http://127.0.0.1:9000/range/', 'http://127.0.0.1:9000/range'],
        ['http://[::1]:9000/range', 'http://[::1]:9000/range'],
        ['http://localhost:9000', 'http://localhost:9000'],
      ] as const
    ).map(([url, breachedPasswordsUrl]): [Record<string, string>, object] => [
      { BREACHED_PASSWORDS_URL: url },
      settings({ breachedPasswordsUrl }),
    ]),
    [{ PUBLIC_URL: 'http://localhost:3000' }, settings({ issuer: 'http://localhost:3000' })],
    [
      { PUBLIC_URL: 'https://Accounts.Example.com:443/' },
      settings({ issuer: 'https://accounts.example.com', hstsMaxAge: 31_536_000 }),
    ],
    [{ CORS_ORIGINS: 'https://app.example.com' }, settings({ corsOrigins: ['https://app.example.com'] })],
    [
      { CORS_ORIGINS: 'https://a.example/, http://localhost:5173' },
      settings({ corsOrigins: ['https://a.example', 'http://localhost:5173'] }),
    ],
    [{ TRUSTED_PROXIES: '2' }, settings({ trustedProxies: { hops: 2 } })],
    [
      { TRUSTED_PROXIES: '127.0.0.1, fd00::/8' },
      settings({ trustedProxies: { networks: [expect.anything(), expect.anything()] } }),
    ],
    [{ FORWARDED_HEADER: 'Forwarded' }, settings({ forwardedHeader: 'forwarded' })],
    [{ FORWARDED_HEADER: 'x-forwarded-for' }, settings({ forwardedHeader: 'x-forwarded-for' })],
    [{ RATE_LIMITS: 'off' }, settings({ rateLimits: false })],
    ...['debug', 'info', 'warn', 'error', 'silent'].map((logLevel): [Record<string, string>, object] => [
      { LOG_LEVEL: logLevel },
      { logLevel },
    ]),
  ])('%j', (env, changed) => {
    expect(parseConfig(env)).toEqual({ ...defaults, ...changed })
  })
})

const noNumber = ['-1', '1.5', '1e3', '0x10', '1_000', '٣', 'x', ' 80', '80 ', '99999999999999999999', 'Infinity', 'NaN', '+80']
const noOrigin = [
  'auth.internal',
  'ftp://auth.internal',
  'https://auth.internal/auth',
  'https://auth.internal/?a=b',
  'https://auth.internal/#a',
  'https://someone:hunter2@auth.internal',
  'https://',
  'javascript:alert(1)',
  'null',
  '*',
]

/** Each variable: how a problem with it reads, and the values that have one. */
const bad: [name: string, advice: RegExp, values: string[]][] = [
  ['PORT', /must be a whole number from 0 to 65535$/, [...noNumber, '65536']],
  ['DATABASE_POOL_SIZE', /must be a whole number from 1 to 1000$/, [...noNumber, '0', '1001']],
  ['ACCESS_TOKEN_TTL', /must be a whole number from 30 to 86400$/, [...noNumber, '29', '86401']],
  ['SIGNING_KEY_MAX_AGE', /must be a whole number from 3600 to 315360000$/, [...noNumber, '3599', '315360001']],
  ['AUDIT_RETENTION', /must be a whole number from 86400 to 315360000$/, [...noNumber, '86399', '315360001']],
  ['PASSWORD_MIN_LENGTH', /must be a whole number from 8 to 64$/, [...noNumber, '7', '65']],
  [
    'BREACHED_PASSWORDS_URL',
    /must be an https:\/\/ URL .* such as https:/,
    [
      'breaches.example/range',
      'http://breaches.example/range',
      'http://127.0.0.1.example/range',
      'http://localhost.example/range',
      'https://someone:hunter2@breaches.example/range',
      'https://breaches.example/range?key=hunter2',
      'https://breaches.example/range#a',
      'file:///range',
      'https://',
    ],
  ],
  ['DATABASE_PREPARE', /must be on or off$/, ['true', 'ON', 'no', '0']],
  [
    'TRUSTED_PROXIES',
    /must be a number of proxies from 1 to 16, or networks .* such as 127\.0\.0\.1, 10\.0\.0\.0\/8$/,
    [
      '0',
      '17',
      '-1',
      '1.5',
      'proxy.internal',
      '10.0.0.0/33',
      '10.0.0/8',
      '1.0.0.0/8/8',
      '127.1',
      '010.0.0.1',
      '10.0.0.1,',
      '*',
      'fd00::/129',
      '10.0.0.1 10.0.0.2',
    ],
  ],
  ['FORWARDED_HEADER', /must be x-forwarded-for or forwarded$/, ['x-real-ip', 'both', 'for']],
  ['RATE_LIMITS', /must be on or off$/, ['true', 'ON', 'no', '0']],
  ['LOG_LEVEL', /must be debug, info, warn, error or silent$/, ['loud', 'INFO', 'trace', '30']],
  ['PUBLIC_URL', /must be an http:\/\/ or https:\/\/ URL .* such as https:/, noOrigin],
  [
    'CORS_ORIGINS',
    /must be an http:\/\/ or https:\/\/ URL .* such as https:/,
    [...noOrigin, 'https://a.example,', 'https://a.example,x'],
  ],
  [
    'DATABASE_URL',
    /must be a URL such as postgres:/,
    ['mysql://root:hunter2@db/x', '/var/run/x', 'db.example:5432', 'localhost', 'hunter2'],
  ],
  [
    'GATEHOUSE_SECRET',
    /must have at least 32 characters .* make one with: openssl/,
    ['hunter2', 'x'.repeat(31), ' '.repeat(40), `${secret},short`, `${secret},`, `,${secret}`],
  ],
]

describe.each(bad)('%s', (name, advice, values) => {
  test.each(values)('%j is refused by name, with how to mend it and not as it was written', (value) => {
    const { problems, message } = errorOf({ ...(name !== 'GATEHOUSE_SECRET' && { GATEHOUSE_SECRET: secret }), [name]: value })
    expect(new Set(problems).size).toBe(1)
    expect(problems[0]).toMatch(new RegExp(`^${name} ${advice.source}`))
    expect(message).toContain(problems[0])
    for (const given of [value, 'hunter2', secret])
      if (given.trim().length > 8 || given === 'hunter2') expect(message).not.toContain(given)
  })
})

describe('GATEHOUSE_SECRET', () => {
  test('is required with DATABASE_URL, empty or absent', () => {
    for (const env of [
      { ...postgres, GATEHOUSE_SECRET: undefined },
      { ...postgres, GATEHOUSE_SECRET: '' },
    ]) {
      const { problems, message } = errorOf(env)
      expect(problems).toEqual([
        expect.stringMatching(/^GATEHOUSE_SECRET is required with DATABASE_URL: .* make one with: openssl/),
      ])
      expect(message).not.toContain('hunter2')
    }
  })

  test('that is too short beside DATABASE_URL is called that, and not missing', () => {
    const { problems } = errorOf({ ...postgres, GATEHOUSE_SECRET: 'short' })
    expect(problems).toEqual([expect.stringMatching(/^GATEHOUSE_SECRET must have at least 32 characters/)])
  })
})

test('parseConfig() tells every problem at once, and none twice', () => {
  const env = Object.fromEntries(bad.map(([name, , [value = '']]) => [name, value]))
  const { name, problems, message } = errorOf({ ...env, GATEHOUSE_SECRET: undefined })
  expect(name).toBe('ConfigError')
  expect(problems).toHaveLength(bad.length)
  expect(new Set(problems.map((line) => line.split(' ')[0]))).toEqual(new Set(bad.map(([variable]) => variable)))
  expect(message.split('\n')).toEqual([expect.any(String), ...problems.map((line) => `  - ${line}`)])
  expect(message).not.toContain('hunter2')
})
