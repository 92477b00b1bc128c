import { assert, asyncProperty, integer, nat, uuid } from 'fast-check'
import { expect, test } from 'vitest'
import { createRefreshTokens } from './refresh-token.ts'

const older = 'an older master secret of enough characters'
const newer = 'a newer master secret of enough characters'
const tokens = createRefreshTokens([newer])
const session = { sessionId: '019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42', generation: 12 }
const genuine = tokens.derive(session)

test('verify() gives back what derive() was given, and every instance derives the same', async () => {
  const twin = createRefreshTokens([newer])
  await assert(
    asyncProperty(uuid(), nat(999_999_999), async (sessionId, generation) => {
      const text = tokens.derive({ sessionId, generation })
      expect(twin.derive({ sessionId, generation })).toBe(text)
      expect(twin.verify(text)).toEqual({ sessionId, generation })
    }),
  )
})

test('any character changed, added or left out makes it none of ours', async () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \0é'
  await assert(
    asyncProperty(nat(genuine.length - 1), nat(alphabet.length - 1), integer({ min: 0, max: 2 }), async (place, letter, way) => {
      const put = alphabet.charAt(letter)
      const altered = genuine.slice(0, place) + (way === 2 ? '' : put) + genuine.slice(place + (way === 0 ? 0 : 1))
      if (altered !== genuine) expect(tokens.verify(altered)).toBeUndefined()
    }),
    { numRuns: 500 },
  )
})

const [id = '', , code = ''] = genuine.split('.')
test.each([
  ['nothing', ''],
  ['an access token', 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl'],
  ['another generation', `${id}.13.${code}`],
  ['a generation with a leading zero', `${id}.012.${code}`],
  ['a negative generation', `${id}.-1.${code}`],
  ['a generation beyond what is stored', `${id}.9999999999.${code}`],
  ['a generation in another notation', `${id}.1e1.${code}`],
  ['no code', `${id}.12.`],
  ['a code of zeros', `${id}.12.${'A'.repeat(43)}`],
  ['trailing bits set in the code', `${id}.12.${code.slice(0, -1)}${code.endsWith('B') ? 'C' : 'B'}`],
  ['four parts', `${genuine}.x`],
  ['white space around it', ` ${genuine} `],
  ['60 KiB', genuine + 'A'.repeat(60_000)],
])('verify() refuses %s', (_name, text) => {
  expect(tokens.verify(text)).toBeUndefined()
})

test('while one master secret replaces another, the tokens of both are good', async () => {
  const before = createRefreshTokens([older])
  const during = createRefreshTokens([newer, older])
  expect(during.verify(before.derive(session))).toEqual(session)
  expect(during.derive(session)).toBe(genuine)
  expect(before.verify(genuine)).toBeUndefined()
})
