import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatPhc, parsePhc } from './phc.ts'

const salt = 'c29tZXNhbHQ'
const hash = 'CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
/** What the reference implementation writes for its first argon2id vector. */
const reference = `$argon2id$v=19$m=65536,t=2,p=1$${salt}$${hash}`
const parts = {
  memory: 65_536,
  passes: 2,
  parallelism: 1,
  salt: new TextEncoder().encode('somesalt'),
  hash: Uint8Array.from(Buffer.from('09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7', 'hex')),
}

test('formatPhc() and parsePhc() agree with the reference implementation', () => {
  expect(formatPhc(parts)).toBe(reference)
  expect(parsePhc(reference)).toEqual(parts)
})

test('parsePhc() reads back what formatPhc() wrote', () => {
  const valid = fc.record({
    memory: fc.integer({ min: 64, max: 262_144 }),
    passes: fc.integer({ min: 1, max: 16 }),
    parallelism: fc.integer({ min: 1, max: 8 }),
    salt: fc.uint8Array({ minLength: 8, maxLength: 64 }),
    hash: fc.uint8Array({ minLength: 12, maxLength: 64 }),
  })
  fc.assert(
    fc.property(valid, (value) => {
      expect(parsePhc(formatPhc(value))).toEqual(value)
    }),
  )
})

const withParameters = (parameters: string) => `$argon2id$v=19$${parameters}$${salt}$${hash}`

describe('parsePhc() has caps:', () => {
  test.each<[string, boolean]>([
    ['m=262144,t=16,p=8', true],
    ['m=262145,t=2,p=1', false],
    ['m=4194304,t=2,p=1', false], // 4 GiB
    ['m=4294967295,t=2,p=1', false],
    ['m=99999999999999999999,t=2,p=1', false],
    ['m=19456,t=17,p=1', false],
    ['m=19456,t=99,p=1', false],
    ['m=19456,t=4294967295,p=1', false],
    ['m=19456,t=2,p=9', false],
    ['m=19456,t=2,p=16777215', false],
    ['m=8,t=1,p=1', true],
    ['m=7,t=1,p=1', false], // RFC 9106 §3.1: at least 8 p
    ['m=64,t=1,p=8', true],
    ['m=63,t=1,p=8', false],
    ['m=0,t=2,p=1', false],
    ['m=19456,t=0,p=1', false],
    ['m=19456,t=2,p=0', false],
  ])('%s: %s', (parameters, verdict) => {
    expect(parsePhc(withParameters(parameters)) !== undefined).toBe(verdict)
  })
})

describe('parsePhc() gives nothing for', () => {
  const base64 = (length: number) => 'A'.repeat(length)

  test.each([
    '',
    '$',
    'password',
    reference.slice(1),
    ` ${reference}`,
    `${reference}\n`,
    `${reference}$`,
    `${reference}=`,
    reference.replace('argon2id', 'argon2i'),
    reference.replace('argon2id', 'argon2d'),
    reference.replace('argon2id', 'ARGON2ID'),
    reference.replace('v=19', 'v=16'),
    reference.replace('$v=19', ''),
    ...[
      'm=65536,p=1,t=2',
      'm=65536,t=2',
      'm=65536,t=2,p=1,data=AAAA',
      'm=-8,t=2,p=1',
      'm=1e4,t=2,p=1',
      'm=0x40,t=2,p=1',
      'm=065536,t=2,p=1',
      'm= 64,t=2,p=1',
      'm=６４,t=2,p=1',
    ].map(withParameters),
    `$argon2id$v=19$m=65536,t=2,p=1$$${hash}`,
    `$argon2id$v=19$m=65536,t=2,p=1$${salt}$`,
    `$argon2id$v=19$m=65536,t=2,p=1$${salt}`,
    `$argon2id$v=19$m=65536,t=2,p=1$${base64(10)}$${hash}`, // 7 bytes
    `$argon2id$v=19$m=65536,t=2,p=1$${base64(13)}$${hash}`, // no number of bytes has 4n + 1 characters
    `$argon2id$v=19$m=65536,t=2,p=1$${salt}$${base64(41)}`,
    `$argon2id$v=19$m=65536,t=2,p=1$${base64(87)}$${hash}`,
    `$argon2id$v=19$m=65536,t=2,p=1$${salt}$${base64(15)}`,
    `$argon2id$v=19$m=65536,t=2,p=1$${salt}$${base64(87)}`,
    `$argon2id$v=19$m=65536,t=2,p=1$${salt.replace('c', '-')}$${hash}`,
    '$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW',
    '$scrypt$ln=17,r=8,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    'pbkdf2_sha256$1000000$salt$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc=',
  ])('%j', (text) => {
    expect(parsePhc(text)).toBeUndefined()
  })
})

test('parsePhc() never throws, and reads nothing beyond its caps, whatever a row holds', () => {
  const base64 = fc.stringMatching(/^[A-Za-z0-9+/]{8,90}$/)
  const number = fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 300_000 }), fc.maxSafeNat())
  const likely = fc
    .tuple(number, number, number, base64, base64)
    .map(([m, t, p, saltText, hashText]) => `$argon2id$v=19$m=${m},t=${t},p=${p}$${saltText}$${hashText}`)
  const close = fc.tuple(base64, base64).map(([saltText, hashText]) => `$argon2id$v=19$m=64,t=1,p=1$${saltText}$${hashText}`)
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), likely, close), (text) => {
      const { memory = 8, passes = 1, parallelism = 1, salt: read = parts.salt } = parsePhc(text) ?? {}
      expect([memory <= 262_144, passes <= 16, parallelism <= 8, memory >= 8 * parallelism, read.length >= 8]).not.toContain(
        false,
      )
    }),
    { numRuns: 2000 },
  )
})
