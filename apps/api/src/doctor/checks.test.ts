import { expect, test } from 'vitest'
import { judgeClientAddress } from './address-check.ts'
import {
  judgeAdministrators,
  judgeClock,
  judgeKeys,
  judgeLimits,
  judgeMigrations,
  judgeTables,
  judgeVersion,
} from './database-checks.ts'
import type { Finding } from './finding.ts'
import { judgeCookies, judgeCors, judgeHash, judgePublicUrl } from './setting-checks.ts'

const embedded = { kind: 'embedded', folder: '.data' } as const
const postgres = { kind: 'postgres', url: 'postgres://127.0.0.1/x', poolSize: 10, prepare: true } as const

const publicUrl = (database: typeof embedded | typeof postgres, issuer: string) =>
  judgePublicUrl({ database, settings: { issuer } as Parameters<typeof judgePublicUrl>[0]['settings'] })
const key = (state: string, opens: boolean) => ({ kid: `${state}-key`, state, opens })
const clock = (milliseconds: number) => judgeClock({ databaseTime: new Date(10_000 + milliseconds) }, 10_000, 10_004)
const limits = { on: true, shared: true }

test.each<[string, Finding, Finding['status'], RegExp]>([
  ['an old server', judgeVersion({ versionNumber: 140_012 }), 'failure', /PostgreSQL 14\.12/],
  ['the oldest server that is tried', judgeVersion({ versionNumber: 150_018 }), 'ok', /PostgreSQL 15\.18/],
  ['a clock of the same time', clock(2), 'ok', /less than 4 ms/],
  ['a clock slightly ahead', clock(1004), 'ok', /1000 ms/],
  ['a clock ahead', clock(1005), 'warning', /1001 ms/],
  ['a clock behind', clock(-1001), 'warning', /1001 ms/],
  ['a clock too far ahead', clock(5005), 'failure', /5001 ms/],
  ['a clock too far behind', clock(-5001), 'failure', /5001 ms/],
  ['another application’s users', judgeTables({ applied: [], hasUsers: true }), 'failure', /another application/],
  ['an empty database', judgeTables({ applied: [], hasUsers: false }), 'ok', /in the way/],
  ['our own users', judgeTables({ applied: [1], hasUsers: true }), 'ok', /in the way/],
  ['no migration yet', judgeMigrations({ applied: [] }, [1, 2]), 'ok', /all 2 are applied at the first start/],
  ['a migration to come', judgeMigrations({ applied: [1] }, [1, 2]), 'warning', /1 of 2 pending/],
  ['every migration', judgeMigrations({ applied: [1, 2] }, [1, 2]), 'ok', /all 2 applied/],
  ['a later version’s migration', judgeMigrations({ applied: [1, 2, 3] }, [1, 2]), 'failure', /later version/],
  ['no key yet', judgeKeys([]), 'ok', /first start/],
  ['retired keys alone', judgeKeys([key('retired', false)]), 'ok', /first start/],
  ['keys that open', judgeKeys([key('current', true), key('previous', true), key('retired', false)]), 'ok', /2 in use/],
  ['a current key that does not open', judgeKeys([key('current', false)]), 'failure', /current-key/],
  ['a previous key that does not open', judgeKeys([key('current', true), key('previous', false)]), 'warning', /previous-key/],
  ['no current key', judgeKeys([key('previous', true)]), 'failure', /none is current/],
  ['limits that are off', judgeLimits({ mayWriteLimits: true }, { on: false, shared: true }), 'warning', /off/],
  ['limits that can’t be written', judgeLimits({ mayWriteLimits: false }, limits), 'failure', /rate_limits/],
  ['limits in an empty database', judgeLimits({ mayWriteLimits: undefined }, limits), 'ok', /shared/],
  ['limits of one process', judgeLimits(undefined, { on: true, shared: false }), 'ok', /one process/],
  ['no administrator', judgeAdministrators({ administrators: 0 }), 'warning', /nobody/],
  ['an administrator', judgeAdministrators({ administrators: 1 }), 'ok', /1/],
  ['a local URL beside PostgreSQL', publicUrl(postgres, 'http://127.0.0.1:8000'), 'warning', /this machine only/],
  ['a local URL beside the embedded database', publicUrl(embedded, 'http://127.0.0.1:8000'), 'ok', /8000/],
  ['an encrypted URL', publicUrl(postgres, 'https://accounts.example.com'), 'ok', /accounts/],
  ['an open URL', publicUrl(postgres, 'http://accounts.example.com'), 'failure', /not encrypted/],
  ['cookies of an open URL', judgeCookies({ issuer: 'http://accounts.example.com' }), 'warning', /no cookies/],
  ['cookies of an encrypted URL', judgeCookies({ issuer: 'https://accounts.example.com' }), 'ok', /pages of/],
  ['cookies of localhost', judgeCookies({ issuer: 'http://localhost:3000' }), 'ok', /pages of/],
  ['no CORS', judgeCors({ corsOrigins: [], issuer: 'https://a.example' }), 'ok', /none/],
  ['an open CORS origin', judgeCors({ corsOrigins: ['http://b.example'], issuer: 'https://a.example' }), 'warning', /b\.example/],
  ['the API as CORS origin', judgeCors({ corsOrigins: ['https://a.example'], issuer: 'https://a.example' }), 'warning', /itself/],
  ['a good CORS origin', judgeCors({ corsOrigins: ['https://b.example'], issuer: 'https://a.example' }), 'ok', /b\.example/],
  ['a fast hash', judgeHash({ name: 'node:crypto', milliseconds: 40, cores: 2 }), 'ok', /40 ms each.*50 sign-ins.*2 cores/],
  ['a slow machine', judgeHash({ name: 'webcrypto', milliseconds: 300, cores: 1 }), 'warning', /1 core$/],
  ['a slow implementation', judgeHash({ name: 'noble', milliseconds: 100, cores: 2 }), 'warning', /noble/],
  ['a client that chooses its address', judgeClientAddress('192.0.2.66', { proxied: true }), 'failure', /choose/],
  ['a client without an address', judgeClientAddress(null, { proxied: true }), 'warning', /unknown/],
  ['a proxy taken for the client', judgeClientAddress('10.0.0.2', { proxied: false }), 'warning', /10\.0\.0\.2/],
  ['a private client of a proxy', judgeClientAddress('10.0.0.2', { proxied: true }), 'ok', /10\.0\.0\.2/],
  ['a client of the Internet', judgeClientAddress('203.0.113.7', { proxied: false }), 'ok', /203/],
])('%s', (_name, finding, status, message) => {
  expect(finding).toMatchObject({ status, message: expect.stringMatching(message) as string })
  expect(finding.advice === undefined).toBe(status === 'ok')
})
