import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { dictionary } from '@zxcvbn-ts/language-common'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTestApp, openTestEmbedded } from '../../runtime-tests/in-process.ts'
import { type Answer, createApi } from '../../runtime-tests/suite/target.ts'
import { normalizePassword } from '../crypto/password.ts'
import { neverBreached } from './breached-passwords.ts'
import { hasAcceptableLength, isGuessable } from './password-policy.ts'
import { userBodies } from './schema.ts'

const common = dictionary['passwords-common'].map(String)

describe('hasAcceptableLength()', () => {
  const horses = (count: number) => '🐎'.repeat(count)

  test.each<[string, number, boolean]>([
    ['seven le', 8, true],
    ['seven l', 8, false],
    [horses(7), 8, false],
    [horses(8), 8, true],
    [horses(14), 15, false],
    [horses(15), 15, true],
    [horses(256), 8, true],
    [horses(257), 8, false],
    ['x'.repeat(256), 8, true],
    ['x'.repeat(257), 8, false],
    ['', 1, false],
    ['x', 1, true],
  ])('%s, at least %d: %s', (password, minLength, verdict) => {
    expect(hasAcceptableLength(password, minLength)).toBe(verdict)
  })

  test('counts code points', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), fc.integer({ min: 1, max: 64 }), (letters, animals, minLength) => {
        const length = letters + animals
        expect(hasAcceptableLength('x'.repeat(letters) + horses(animals), minLength)).toBe(length >= minLength && length <= 256)
      }),
    )
  })
})

describe('isGuessable()', () => {
  test('is true of every common password, in any case', async () => {
    const spellings = [
      (text: string) => text,
      (text: string) => text.toUpperCase(),
      (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1),
    ]
    expect(common.length).toBeGreaterThan(10_000)
    const missed = []
    for (const [index, password] of common.entries()) {
      const spelt = spellings[index % 3]?.(password) ?? ''
      if (!(await isGuessable(normalizePassword(spelt), 'somebody'))) missed.push(spelt)
    }
    expect(missed).toEqual([])
  })

  test.each<[password: string, username: string, verdict: boolean]>([
    ['Password1', 'somebody', true],
    ['PASSWORD', 'somebody', true],
    ['ｐａｓｓｗｏｒｄ', 'somebody', true],
    ['qwertyuiop', 'somebody', true],
    ['a quiet harbour at dawn', 'somebody', false],
    ['ada.lovelace', 'ada.lovelace', true],
    ['ADA.Lovelace', 'ada.lovelace', true],
    ['ada.lovelace', 'ＡＤＡ.LOVELACE', true],
    ['grossestraße', 'GROSSESTRASSE', true],
    ['ﬁancée-ﬁancée', 'FIANCÉE-FIANCÉE', true],
    ['ada.lovelace!', 'ada.lovelace', false],
    ['', 'somebody', false],
  ])('%j of %s: %s', async (password, username, verdict) => {
    expect(await isGuessable(normalizePassword(password), username)).toBe(verdict)
  })

  test('is true of the username in any case and form', async () => {
    const spell = fc.constantFrom<((text: string) => string)[]>(
      (text) => text,
      (text) => text.normalize('NFD').toUpperCase().normalize('NFC'),
      (text) => text.toLowerCase().normalize('NFC'),
      (text) => text.normalize('NFD'),
      (text) => text.normalize('NFKC'),
      (text) => text.normalize('NFKD'),
    )
    const names = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.normalize('NFC'))
    await fc.assert(
      fc.asyncProperty(names, spell, spell, async (name, one, other) => {
        expect(await isGuessable(normalizePassword(one(name)), other(name))).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the 3,000 most common passwords that are long enough (ASVS 5.0, 6.2.4)', () => {
  const longEnough = (length: number) => common.filter((password) => password.length >= length)
  const spellings = [(text: string) => text, (text: string) => text.toUpperCase(), alternate]

  test('are there where 8 or 9 characters are demanded; of longer ones the list has fewer', () => {
    expect([8, 9, 10, 15].map((length) => longEnough(length).length)).toEqual([17_950, 3543, 1557, 41])
  })

  test('are refused at registration and at change, in any case', async () => {
    const database = await openTestEmbedded()
    const { app } = await createTestApp(database)
    const api = createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
    const { username, token } = await api.account()
    const accepted: string[] = []
    const expectRefused = (password: string, { status, body }: Answer) => {
      const [fault] = (body['errors'] ?? []) as { path: string; message: string }[]
      if (status !== 422 || fault?.path !== 'password' || !fault.message.includes('common')) accepted.push(password)
    }
    for (const [index, password] of longEnough(8).slice(0, 3000).entries()) {
      const spelt = spellings[index % 3]?.(password) ?? ''
      expectRefused(spelt, await api.register('somebody', spelt))
      expectRefused(spelt, await api.json('PATCH', '/user/', { username, password: spelt }, token))
    }
    expect(accepted).toEqual([])
    await database.close()
  })
})

/** Upper and lower case in turns. */
function alternate(text: string): string {
  return Array.from(text, (letter, index) => (index % 2 === 0 ? letter : letter.toUpperCase())).join('')
}

test('the list of common passwords is read at the first new password, and not at the start', async () => {
  const script = `
    import { registerHooks } from 'node:module'
    let lists = 0
    registerHooks({ load(url, context, next) { lists += url.includes('language-common'); return next(url, context) } })
    await import('./resources.ts')
    await import('./app.ts')
    const { isGuessable } = await import('./users/password-policy.ts')
    const before = lists
    await isGuessable('a quiet harbour at dawn', 'somebody')
    console.log(before, lists > 0)`
  const args = ['--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: new URL('..', import.meta.url) })
  expect(stdout).toBe('0 true\n')
})

describe('a new password', () => {
  const { NewUser } = userBodies(8, neverBreached)
  const parse = (password: string) => NewUser.safeParseAsync({ username: 'somebody', password })

  test('is in NFKC before it is counted', async () => {
    expect(await parse('ﬃﬃﬁ')).toMatchObject({ success: true, data: { password: 'ffiffifi' } }) // 3 characters as typed, 8 counted
    expect(await parse('e\u0301'.repeat(7))).toMatchObject({ success: false }) // 14 as typed, 7 counted
    expect(await parse('é'.repeat(256).normalize('NFD'))).toMatchObject({ success: true })
    expect(await parse('ﬃ'.repeat(86))).toMatchObject({ success: false }) // 258 counted
  })

  test('is one password in every form that NFKC makes one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', minLength: 8 }),
        fc.constantFrom('NFC', 'NFD', 'NFKC', 'NFKD'),
        async (text, form) => {
          expect((await parse(text.normalize(form))).data).toEqual((await parse(text)).data)
        },
      ),
    )
  })
})
