import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashVectors } from '../../runtime-tests/hash-vectors.ts'
import { readStoredHash } from './stored-hash.ts'

const salt = 'c29tZXNhbHRzb21lc2FsdA'
const hash = 'CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
const bcryptTail = 'R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'

const argon2 = (id: string, parameters: string) => `$${id}$v=19$${parameters}$${salt}$${hash}`
const scrypt = (parameters: string) => `$scrypt$${parameters}$${salt}$${hash}`
const passlib = (iterations: string) => `$pbkdf2-sha256$${iterations}$${salt}$${hash}`
const django = (iterations: string) => `pbkdf2_sha256$${iterations}$salt$${hash}=`

test.each(hashVectors)('readStoredHash() reads what comes from %s', (_origin, _password, stored) => {
  expect(readStoredHash(stored)).toBeTypeOf('object')
})

describe('readStoredHash() has caps:', () => {
  test.each<[string, boolean]>([
    [argon2('argon2id', 'm=262144,t=16,p=8'), true],
    [argon2('argon2id', 'm=262145,t=1,p=1'), false],
    [argon2('argon2id', 'm=4294967295,t=4294967295,p=1'), false],
    [argon2('sha256-argon2id', 'm=262144,t=16,p=8'), true],
    [argon2('sha256-argon2id', 'm=19456,t=17,p=1'), false],
    [argon2('argon2i', 'm=262144,t=4,p=1'), true],
    [argon2('argon2i', 'm=262144,t=5,p=1'), false],
    [argon2('argon2d', 'm=65536,t=16,p=1'), true],
    [argon2('argon2d', 'm=65537,t=16,p=1'), false],
    [`$2b$15$${bcryptTail}`, true],
    [`$2b$16$${bcryptTail}`, false],
    [`$2b$31$${bcryptTail}`, false],
    [scrypt('ln=18,r=8,p=4'), true],
    [scrypt('ln=18,r=8,p=5'), false],
    [scrypt('ln=19,r=8,p=1'), false],
    [scrypt('ln=18,r=9,p=1'), false],
    [scrypt('ln=1,r=1,p=4194304'), true],
    [scrypt('ln=1,r=1,p=4194305'), false],
    [scrypt('ln=99,r=9999999999,p=9999999999'), false],
    [passlib('5000000'), true],
    [passlib('5000001'), false],
    [django('9999999999'), false],
  ])('%s: %s', (stored, read) => {
    expect(readStoredHash(stored)).toEqual(read ? expect.any(Object) : 'hash_too_costly')
  })
})

describe('readStoredHash() takes for malformed', () => {
  test.each([
    argon2('argon2id', 'm=19456,t=2'),
    argon2('argon2id', 'm=8,t=1,p=2'),
    argon2('argon2id', 'm=19456,t=2,p=1,keyid=AAAA'),
    `$argon2id$m=19456,t=2,p=1$${salt}$${hash}`,
    `$argon2id$v=16$m=19456,t=2,p=1$${salt}$${hash}`,
    `${argon2('argon2i', 'm=256,t=2,p=1')}\n`,
    argon2('argon2i', 'm=256,t=2,p=1').slice(0, -4 * 10),
    `$2b$10$${bcryptTail.slice(1)}`,
    `$2b$10$${bcryptTail}a`,
    `$2b$03$${bcryptTail}`,
    `$2b$32$${bcryptTail}`,
    `$2b$1$${bcryptTail}`,
    `$2b$10$${bcryptTail.replace('/', '+')}`,
    scrypt('ln=0,r=8,p=1'),
    scrypt('ln=16,r=0,p=1'),
    scrypt('ln=16,r=8,p=0'),
    scrypt('ln=16,p=1,r=8'),
    `$scrypt$ln=16,r=8,p=1$${salt}$`,
    `$scrypt$ln=16,r=8,p=1$${salt.slice(0, 21)}$${hash}`,
    passlib('0'),
    passlib('-1'),
    passlib('01000'),
    passlib('1e3'),
    `$pbkdf2-sha512$1000$${salt}$${hash}`, // too short for the digest
    `$pbkdf2$1000$${salt}$${hash}`, // too long
    `$pbkdf2-sha256$1000$${salt}$+${hash.slice(1)}`,
    `pbkdf2_sha256$1000$sa$lt$${hash}=`,
    `pbkdf2_sha256$1000$$${hash}=`,
    `pbkdf2_sha256$1000$${'s'.repeat(600)}$${hash}=`,
  ])('%s', (stored) => {
    expect(readStoredHash(stored)).toBe('malformed_hash')
  })
})

describe('readStoredHash() does not know', () => {
  test.each([
    '',
    '$',
    'a quiet harbour at dawn',
    'd'.repeat(64),
    `$2x$10$${bcryptTail}`,
    `$2$10$${bcryptTail}`,
    '$1$salt$qJH7.N4xYta3aEG/dfqo/0',
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz1',
    `{SHA}${hash}`,
    ` ${argon2('argon2id', 'm=19456,t=2,p=1')}`,
    `bcrypt$$2b$10$${bcryptTail}`,
    'pbkdf2_sha512$1000$salt$hash',
  ])('%s', (stored) => {
    expect(readStoredHash(stored)).toBe('unknown_hash')
  })
})

test('readStoredHash() clears the bits of a bcrypt string that nothing is stored in', () => {
  const [salt, rest] = [`$2b$10$${'a'.repeat(21)}`, 'b'.repeat(30)]
  expect(readStoredHash(`${salt}5${rest}x`)).toEqual(readStoredHash(`${salt}u${rest}u`))
  expect(readStoredHash(`${salt}u${rest}u`)).toEqual({ scheme: 'bcrypt', text: `${salt}u${rest}u` })
})

test('readStoredHash() never throws, and takes an instant, whatever it is given', () => {
  const piece = fc.constantFrom(...hashVectors.flatMap(([, , stored]) => stored.split(/(?=[$,=])/)), '$', '9'.repeat(300), '=')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(piece, { maxLength: 12 }).map((all) => all.join('')),
      ),
      (text) => {
        const read = readStoredHash(text)
        expect(typeof read === 'object' || ['unknown_hash', 'malformed_hash', 'hash_too_costly'].includes(read)).toBe(true)
      },
    ),
    { numRuns: 2000 },
  )
})
