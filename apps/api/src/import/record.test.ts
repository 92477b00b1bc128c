import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ReasonCode, type SourceRecord, judgeRecord } from './record.ts'

const digest = '46970bef70aced8123f0d5d094717e2a5cd412041e03b26376049fe65b2834a4'
const bcrypt = '$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'
const good: SourceRecord = {
  position: 7,
  username: 'Ada',
  passwordHash: digest,
  birthday: '1815-12-10',
  createTime: '2024-01-02 03:04:05.678901',
  lastLogin: '2025-01-02 03:04:05',
}
const candidate = {
  position: 7,
  sourceKey: 'Ada',
  username: 'Ada',
  usernameKey: 'ada',
  hash: { digest },
  birthday: '1815-12-10',
  createTime: new Date('2024-01-02T03:04:05.678Z'),
  lastLogin: new Date('2025-01-02T03:04:05Z'),
  role: 'user',
  notes: [],
}

const judge = (changed: Partial<SourceRecord>, allowRoles = false) => judgeRecord({ ...good, ...changed }, { allowRoles })
const codesOf = (changed: Partial<SourceRecord>, allowRoles = false): ReasonCode[] => {
  const judged = judge(changed, allowRoles)
  return 'reasons' in judged ? judged.reasons.map(({ code }) => code) : []
}

describe('judgeRecord() lets come over', () => {
  test.each<[string, Partial<SourceRecord>, object]>([
    ['the tutorial’s own', {}, {}],
    ['what has neither birthday nor sign-in', { birthday: null, lastLogin: undefined }, { birthday: null, lastLogin: null }],
    ['empty fields of CSV', { birthday: '', lastLogin: '' }, { birthday: null, lastLogin: null }],
    [
      'a name in another form, under its own key',
      { username: 'Cafe\u0301' },
      { sourceKey: 'Cafe\u0301', username: 'Café', usernameKey: 'café' },
    ],
    ['a digest in capitals', { passwordHash: digest.toUpperCase() }, { hash: { digest: digest.toUpperCase() } }],
    ['a hash of another scheme', { passwordHash: bcrypt }, { hash: { stored: bcrypt } }],
    ['the first and the last day', { birthday: '0001-01-01' }, { birthday: '0001-01-01' }],
    ['a date-time as birthday', { birthday: '9999-12-31T23:59:59Z' }, { birthday: '9999-12-31' }],
    ['an unknown create_time, and says so', { createTime: null }, { createTime: null, notes: ['create_time_unknown'] }],
    ['a role without taking it, and says so', { role: 'admin' }, { notes: ['role_ignored'] }],
    ['a role that is nothing special', { role: 'user' }, {}],
    ['any role, where it is ignored', { role: { root: true } }, { notes: ['role_ignored'] }],
  ])('%s', (_name, changed, expected) => {
    expect(judge(changed)).toEqual({ candidate: { ...candidate, ...expected } })
  })

  test.each(['user', 'admin'])('the role %s with allowRoles', (role) => {
    expect(judge({ role }, true)).toEqual({ candidate: { ...candidate, role } })
  })
})

describe('judgeRecord() leaves behind', () => {
  test.each<[string, Partial<SourceRecord>, ReasonCode[]]>([
    ['what can’t be read', { unreadable: 'no JSON' }, ['record_unreadable']],
    ['no name', { username: null }, ['username_missing']],
    ['an empty name', { username: '' }, ['username_missing']],
    ['a name that is no text', { username: 7 }, ['username_invalid']],
    ['a name with a space', { username: 'ada lovelace' }, ['username_invalid']],
    ['an e-mail address with a line break', { username: 'ada@example.com\n' }, ['username_invalid']],
    ['NUL', { username: 'ada\0' }, ['username_invalid']],
    ['a lone surrogate', { username: 'ada\uD800' }, ['username_invalid']],
    ['U+FFFD', { username: 'ad\uFFFD' }, ['username_invalid']],
    ['bidi controls', { username: 'ada\u202E' }, ['username_invalid']],
    ['65 characters', { username: 'a'.repeat(65) }, ['username_invalid']],
    ['10 MB', { username: 'a'.repeat(10_000_000) }, ['username_invalid']],
    ['10 MB of marks', { username: '\u0301\u0323'.repeat(5_000_000) }, ['username_invalid']],
    ['no hash', { passwordHash: null }, ['password_hash_missing']],
    ['an empty hash', { passwordHash: '' }, ['password_hash_missing']],
    ['a hash that is no text', { passwordHash: ['x'] }, ['malformed_hash']],
    ['the password itself', { passwordHash: 'a quiet harbour at dawn' }, ['unknown_hash']],
    ['63 digits', { passwordHash: digest.slice(1) }, ['unknown_hash']],
    ['65 digits', { passwordHash: `${digest}0` }, ['unknown_hash']],
    ['a digest and a line break', { passwordHash: `${digest}\n` }, ['unknown_hash']],
    ['64 characters that are no digits', { passwordHash: 'g'.repeat(64) }, ['unknown_hash']],
    ['half a bcrypt string', { passwordHash: bcrypt.slice(0, 40) }, ['malformed_hash']],
    ['bcrypt of 2^31 rounds', { passwordHash: bcrypt.replace('$12$', '$31$') }, ['hash_too_costly']],
    ['no day', { birthday: '2023-02-30' }, ['birthday_invalid']],
    ['infinity', { birthday: 'infinity' }, ['birthday_invalid']],
    ['before Christ', { birthday: '0044-03-15 BC' }, ['birthday_invalid']],
    ['after the year 9999', { birthday: '10000-01-01' }, ['birthday_invalid']],
    ['a number', { birthday: 0 }, ['birthday_invalid']],
    ['created at infinity', { createTime: 'infinity' }, ['create_time_invalid']],
    ['created before there were computers', { createTime: '0044-03-15 12:00:00 BC' }, ['create_time_invalid']],
    ['created at a number', { createTime: 1_700_000_000 }, ['create_time_invalid']],
    ['signed in at -infinity', { lastLogin: '-infinity' }, ['last_login_invalid']],
    [
      'all of it, with every reason',
      { username: ' ', passwordHash: 'x', birthday: 'x', createTime: 'x', lastLogin: 'x' },
      ['username_invalid', 'unknown_hash', 'birthday_invalid', 'create_time_invalid', 'last_login_invalid'],
    ],
  ])('%s', (_name, changed, codes) => {
    expect(codesOf(changed)).toEqual(codes)
  })

  test('a role that there isn’t, with allowRoles', () => {
    expect(codesOf({ role: 'root' }, true)).toEqual(['role_invalid'])
    expect(codesOf({ role: 1 }, true)).toEqual(['role_invalid'])
  })
})

test('judgeRecord() never throws, and its messages hold nothing of the record', () => {
  const anything = fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true })
  fc.assert(
    fc.property(
      fc.record({
        username: anything,
        passwordHash: anything,
        birthday: anything,
        createTime: anything,
        lastLogin: anything,
        role: anything,
      }),
      fc.boolean(),
      (record, allowRoles) => {
        const judged = judgeRecord({ position: 1, ...record }, { allowRoles })
        expect('candidate' in judged || judged.reasons.length > 0).toBe(true)
      },
    ),
  )
  const secret = judge({ username: 'hunter2 hunter2', passwordHash: 'hunter2', birthday: 'hunter2' })
  expect(JSON.stringify(secret)).not.toContain('hunter2')
})
