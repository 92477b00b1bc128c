import { fromAdaptedBase64, fromBase64 } from './base64.ts'
import { type Argon2Phc, type Unreadable, readPhc } from './phc.ts'

/** SHA-256 in hexadecimal, hashed once more with argon2id: nothing fast is left of it at rest. */
export const wrappedSha256 = 'sha256-argon2id'

export interface Argon2idHash extends Argon2Phc {
  scheme: 'argon2id' | typeof wrappedSha256
}

export interface RareArgon2Hash extends Argon2Phc {
  scheme: 'argon2i' | 'argon2d'
}

export interface BcryptHash {
  scheme: 'bcrypt'
  /** As it stands, the bits that nothing is stored in being zero. */
  text: string
}

export interface ScryptHash {
  scheme: 'scrypt'
  /** Binary logarithm of the cost N. */
  logCost: number
  blockSize: number
  parallelization: number
  salt: Uint8Array
  hash: Uint8Array
}

export interface Pbkdf2Hash {
  scheme: 'pbkdf2'
  digest: Digest
  iterations: number
  salt: Uint8Array
  hash: Uint8Array
}

/** What other systems store. */
export type ForeignHash = RareArgon2Hash | BcryptHash | ScryptHash | Pbkdf2Hash

/** A password hash that can be compared with. */
export type StoredHash = Argon2idHash | ForeignHash

type Digest = 'SHA-1' | 'SHA-256' | 'SHA-512'
type Reader = (text: string) => StoredHash | Unreadable

/** A row must not be able to command gigabytes or minutes: beyond these a hash is refused. Argon2's caps are in phc.ts. */
const cap = {
  /** Argon2 other than argon2id: KiB times passes. */
  argon2Work: 2 ** 20,
  bcryptCost: 15,
  /** 256 MiB, and three times as much to compute. */
  scryptMemory: 2 ** 28,
  scryptWork: 2 ** 30,
  pbkdf2Iterations: 5_000_000,
}

const readArgon2id =
  (scheme: Argon2idHash['scheme']): Reader =>
  (text) => {
    const read = readPhc(text, scheme)
    return typeof read === 'string' ? read : { scheme, ...read }
  }

const readRareArgon2 =
  (scheme: RareArgon2Hash['scheme']): Reader =>
  (text) => {
    const read = readPhc(text, scheme)
    if (typeof read === 'string') return read
    return read.memory * read.passes > cap.argon2Work ? 'hash_too_costly' : { scheme, ...read }
  }

/** By what a string begins with. passlib's names, and Django's. */
const readers: [prefix: string, reader: Reader][] = [
  ['$argon2id$', readArgon2id('argon2id')],
  [`$${wrappedSha256}$`, readArgon2id(wrappedSha256)],
  ['$argon2i$', readRareArgon2('argon2i')],
  ['$argon2d$', readRareArgon2('argon2d')],
  ['$2a$', readBcrypt],
  ['$2b$', readBcrypt],
  ['$2y$', readBcrypt],
  ['$scrypt$', readScrypt],
  ['$pbkdf2$', (text) => readPasslibPbkdf2(text, 'SHA-1')],
  ['$pbkdf2-sha256$', (text) => readPasslibPbkdf2(text, 'SHA-256')],
  ['$pbkdf2-sha512$', (text) => readPasslibPbkdf2(text, 'SHA-512')],
  ['pbkdf2_sha1$', (text) => readDjangoPbkdf2(text, 'SHA-1')],
  ['pbkdf2_sha256$', (text) => readDjangoPbkdf2(text, 'SHA-256')],
]

/** Bytes that bcrypt looks at: what follows changes nothing. */
export const bcryptMaxLength = 72

/** No scheme writes more. */
const maxLength = 512

/** Reads a hash of any known scheme, or says why it is none to compare with. */
export function readStoredHash(text: string): StoredHash | Unreadable | 'unknown_hash' {
  const reader = readers.find(([prefix]) => text.startsWith(prefix))?.[1]
  if (!reader) return 'unknown_hash'
  return text.length > maxLength ? 'malformed_hash' : reader(text)
}

const bcryptShape = /^(\$2[aby]\$)(\d\d)(\$[./A-Za-z\d]{21})([./A-Za-z\d])([./A-Za-z\d]{30})([./A-Za-z\d])$/
const bcryptAlphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** The last characters of salt and hash hold 2 and 4 bits; what some old writers left in the others is no part of either. */
function readBcrypt(text: string): BcryptHash | Unreadable {
  const match = bcryptShape.exec(text)
  if (!match) return 'malformed_hash'
  const [, version = '', cost = '', salt = '', saltEnd = '', hash = '', hashEnd = ''] = match
  if (Number(cost) < 4 || Number(cost) > 31) return 'malformed_hash'
  if (Number(cost) > cap.bcryptCost) return 'hash_too_costly'
  const clear = (end: string, bits: number) => bcryptAlphabet.charAt(bcryptAlphabet.indexOf(end) & bits)
  return {
    scheme: 'bcrypt',
    text: [version, cost, salt, clear(saltEnd, 0b110000), hash, clear(hashEnd, 0b111100)].join(''),
  }
}

const scryptShape = /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d{0,9}),p=([1-9]\d{0,9})\$([A-Za-z\d+/]{2,172})\$([A-Za-z\d+/]{22,86})$/

function readScrypt(text: string): ScryptHash | Unreadable {
  const match = scryptShape.exec(text)
  if (!match) return 'malformed_hash'
  const [logCost = 0, blockSize = 0, parallelization = 0] = match.slice(1, 4).map(Number)
  const memory = 128 * 2 ** logCost * blockSize // RFC 7914 §2
  if (memory > cap.scryptMemory || memory * parallelization > cap.scryptWork) return 'hash_too_costly'
  const [salt, hash] = [fromBase64(match[4] ?? ''), fromBase64(match[5] ?? '')]
  return salt && hash ? { scheme: 'scrypt', logCost, blockSize, parallelization, salt, hash } : 'malformed_hash'
}

const passlibShape = /^\$[a-z\d-]+\$([1-9]\d{0,9})\$([A-Za-z\d./]{2,172})\$([A-Za-z\d./]{27,86})$/

function readPasslibPbkdf2(text: string, digest: Digest): Pbkdf2Hash | Unreadable {
  const [, iterations = '', salt = '', hash = ''] = passlibShape.exec(text) ?? []
  return toPbkdf2(digest, Number(iterations), fromAdaptedBase64(salt), fromAdaptedBase64(hash))
}

const djangoShape = /^[a-z\d_]+\$([1-9]\d{0,9})\$([\x21-\x23\x25-\x7E]{1,128})\$([A-Za-z\d+/]{27,86}={0,2})$/

/** Django's salt is its own text. */
function readDjangoPbkdf2(text: string, digest: Digest): Pbkdf2Hash | Unreadable {
  const [, iterations = '', salt = '', hash = ''] = djangoShape.exec(text) ?? []
  return toPbkdf2(digest, Number(iterations), new TextEncoder().encode(salt), fromBase64(hash))
}

const digestLengths: Record<Digest, number> = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-512': 64 }

/** The hash is as long as the digest: a longer one multiplies the work (RFC 8018 §5.2), a shorter one nobody writes. */
function toPbkdf2(
  digest: Digest,
  iterations: number,
  salt: Uint8Array | undefined,
  hash: Uint8Array | undefined,
): Pbkdf2Hash | Unreadable {
  if (!salt || hash?.length !== digestLengths[digest] || iterations < 1) return 'malformed_hash'
  if (iterations > cap.pbkdf2Iterations) return 'hash_too_costly'
  return { scheme: 'pbkdf2', digest, iterations, salt, hash }
}
