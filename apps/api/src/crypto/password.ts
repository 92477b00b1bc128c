import type { Argon2id } from './argon2.ts'
import { equal } from './equal.ts'
import { formatPhc } from './phc.ts'
import { createSemaphore } from './semaphore.ts'
import { type Argon2idHash, type StoredHash, bcryptMaxLength, readStoredHash, wrappedSha256 } from './stored-hash.ts'

/** The cost of a new hash: OWASP's first choice for argon2id. `memory` is in KiB. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 }
const saltLength = 16
const hashLength = 32

/** What is stored where there is no password: no PHC string, so nothing matches it. */
export const noPassword = '!'

/** NFKC, so that one password typed on two keyboards is one (NIST SP 800-63B-4 §3.1.1.2). */
export const normalizePassword = (password: string): string => password.normalize('NFKC')

/** The verdict on a password: `outdated` asks for a new hash of the password just proven. */
export interface Verdict {
  matches: boolean
  outdated: boolean
}

/** A `signal` that aborts takes a waiting hash out of the queue, with `Abandoned`. */
export interface PasswordHasher {
  /** Hashes the normalized password to a PHC string. Throws `Overloaded`. */
  hash(password: string, signal?: AbortSignal): Promise<string>
  /**
   * Compares a password, as it was typed, in constant time. `stored` undefined (no such account) costs the same. One that is
   * not its own normal form is compared in both: other systems hashed what they got. Throws `Overloaded`.
   */
  verify(password: string, stored: string | undefined, signal?: AbortSignal): Promise<Verdict>
}

/**
 * Password hashing behind a semaphore: unbounded, a burst of sign-ins would starve every other request of
 * processor and memory (19 MiB a hash). New hashes are argon2id; those of other systems are compared with.
 *
 * @param options.concurrency hashes computed at once; about the core count, and asked again and again
 * @param options.queueLimit hashes that may wait; one more throws `Overloaded`
 */
export function createPasswordHasher(options: {
  argon2id: Argon2id
  concurrency: () => number
  queueLimit: number
}): PasswordHasher {
  const { argon2id } = options
  const limited = createSemaphore(options.concurrency, options.queueLimit)

  return {
    hash: (password, signal) => limited(() => hashAnew(argon2id, normalizePassword(password), 'argon2id'), signal),

    async verify(password, stored, signal) {
      const read = stored === undefined ? undefined : readStoredHash(stored)
      const known = typeof read === 'object' ? read : undefined
      const normalized = normalizePassword(password)
      for (const form of formsOf(password, normalized, known)) {
        const equals = await limited(() => compare(argon2id, known ?? nobody, form), signal)
        if (equals && known) return { matches: true, outdated: !isCurrent(known, form, normalized) }
      }
      return { matches: false, outdated: false }
    },
  }
}

/** What a SHA-256 digest in hexadecimal becomes: argon2id of it, so that only the password itself proves itself. */
export function wrapSha256(argon2id: Argon2id, digest: string): Promise<string> {
  return hashAnew(argon2id, digest.toLowerCase(), wrappedSha256)
}

async function hashAnew(argon2id: Argon2id, text: string, scheme: Argon2idHash['scheme']): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(saltLength))
  const hash = await argon2id({ ...cost, password: encode(text), salt, length: hashLength })
  return formatPhc({ ...cost, salt, hash }, scheme)
}

/** Whose hash is compared with where there is none: nobody's password matches it. */
const nobody: Argon2idHash = {
  scheme: 'argon2id',
  ...cost,
  salt: new Uint8Array(saltLength),
  hash: new Uint8Array(hashLength),
}

/** What may have been hashed, the likelier first; as many whatever is stored, so that time doesn't tell. */
function formsOf(password: string, normalized: string, known: StoredHash | undefined): Set<string> {
  const ours = known === undefined || known.scheme === 'argon2id'
  return new Set(ours ? [normalized, password] : [password, normalized])
}

async function compare(argon2id: Argon2id, stored: StoredHash, password: string): Promise<boolean> {
  if (isArgon2id(stored)) {
    const { scheme, hash, ...parameters } = stored
    const hashed = encode(scheme === wrappedSha256 ? await sha256Hex(password) : password)
    return equal(await argon2id({ ...parameters, password: hashed, length: hash.length }), hash)
  }
  // At the first need: most installations have no such hash.
  const { matchesForeign } = await import('./foreign-hash.ts')
  return matchesForeign(stored, encode(password))
}

const isArgon2id = (stored: StoredHash): stored is Argon2idHash => stored.scheme === 'argon2id' || stored.scheme === wrappedSha256

/** bcrypt says nothing of the end of a long password: that may be mistyped, so it is not hashed anew. */
function isCurrent(stored: StoredHash, form: string, normalized: string): boolean {
  if (stored.scheme === 'bcrypt') return encode(form).length > bcryptMaxLength
  if (stored.scheme !== 'argon2id' || form !== normalized) return false
  const { memory, passes, parallelism } = stored
  return memory === cost.memory && passes === cost.passes && parallelism === cost.parallelism
}

async function sha256Hex(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', encode(text)))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const encoder = new TextEncoder()
const encode = (text: string) => encoder.encode(text)
