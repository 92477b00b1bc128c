import type { Argon2id } from './argon2.ts'
import { formatPhc, parsePhc } from './phc.ts'
import { createSemaphore } from './semaphore.ts'

/** The cost of a new hash: OWASP's first choice for argon2id. `memory` is in KiB. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 }
const saltLength = 16
const hashLength = 32

/** The verdict on a password: `outdated` asks for a new hash of the password just proven. */
export interface Verdict {
  matches: boolean
  outdated: boolean
}

/** A `signal` that aborts takes a waiting hash out of the queue, with `Abandoned`. */
export interface PasswordHasher {
  /** Hashes a normalized password to a PHC string. Throws `Overloaded`. */
  hash(password: string, signal?: AbortSignal): Promise<string>
  /** Compares in constant time. `stored` undefined (no such account) costs the same. Throws `Overloaded`. */
  verify(password: string, stored: string | undefined, signal?: AbortSignal): Promise<Verdict>
}

/**
 * Argon2id password hashing behind a semaphore: unbounded, a burst of sign-ins would starve every
 * other request of processor and memory (19 MiB a hash).
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
  const nobody = { ...cost, salt: new Uint8Array(saltLength), hash: new Uint8Array(hashLength) }

  return {
    async hash(password, signal) {
      const salt = crypto.getRandomValues(new Uint8Array(saltLength))
      const input = { ...cost, password: encode(password), salt, length: hashLength }
      const hash = await limited(() => argon2id(input), signal)
      return formatPhc({ ...cost, salt, hash })
    },

    async verify(password, stored, signal) {
      const known = stored === undefined ? undefined : parsePhc(stored)
      const { hash, ...parameters } = known ?? nobody
      const input = { ...parameters, password: encode(password), length: hash.length }
      const computed = await limited(() => argon2id(input), signal)
      const matches = equal(computed, hash) && known !== undefined
      return { matches, outdated: matches && !isCurrent(parameters) }
    },
  }
}

function isCurrent(parameters: typeof cost): boolean {
  const { memory, passes, parallelism } = parameters
  return memory === cost.memory && passes === cost.passes && parallelism === cost.parallelism
}

const encoder = new TextEncoder()
const encode = (text: string) => encoder.encode(text)

/** Looks at every byte whatever it finds. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (const [i, byte] of a.entries()) difference |= byte ^ (b[i] ?? 0)
  return difference === 0
}
