import { argon2id as nobleSync } from '@noble/hashes/argon2.js'
import {
  type Argon2Input,
  type Argon2id,
  nobleArgon2id,
  nodeArgon2id,
  pickArgon2id,
  webcryptoArgon2id,
} from '../src/crypto/argon2.ts'
import { createPasswordHasher } from '../src/crypto/password.ts'
import { isUsername, usernameKey } from '../src/users/username.ts'

/** What `password-runtimes.test.ts` asks of a runtime, as the one argument of this script. */
export interface Question {
  /** Byte strings as base64. */
  inputs: (Omit<Argon2Input, 'password' | 'salt'> & { password: string; salt: string })[]
  password: string
  /** PHC strings that other runtimes made of `password`. */
  stored: string[]
  /** Passwords with what other systems stored. */
  foreign: [password: string, stored: string][]
  names: string[]
}

/** What it answers, as one line of JSON. */
export interface Report {
  picked: string
  /** By implementation: the tag of each input, in hexadecimal. */
  tags: Record<string, string[]>
  /** The vector of RFC 9106 §5.3, which has a secret and associated data, from the portable implementation. */
  rfc9106: string
  hash: string
  verdicts: { right: object; wrong: object }[]
  foreignVerdicts: Report['verdicts']
  keys: string[]
  accepted: boolean[]
}

const { inputs, password, stored, foreign, names } = JSON.parse(process.argv[2] ?? '') as Question
const { name: picked, argon2id } = await pickArgon2id()
const passwords = createPasswordHasher({ argon2id, concurrency: () => 2, queueLimit: 10 })

const report: Report = {
  picked,
  tags: await tagsOf({ 'node:crypto': await nodeArgon2id(), webcrypto: webcryptoArgon2id, noble: nobleArgon2id }),
  rfc9106: hex(
    nobleSync(new Uint8Array(32).fill(1), new Uint8Array(16).fill(2), {
      m: 32,
      t: 3,
      p: 4,
      dkLen: 32,
      key: new Uint8Array(8).fill(3),
      personalization: new Uint8Array(12).fill(4),
    }),
  ),
  hash: await passwords.hash(password),
  verdicts: await verdictsOf(stored.map((text) => [password, text])),
  foreignVerdicts: await verdictsOf(foreign),
  keys: names.map(usernameKey),
  accepted: names.map(isUsername),
}
process.stdout.write(`${JSON.stringify(report)}\n`)

async function verdictsOf(pairs: Question['foreign']): Promise<Report['verdicts']> {
  const verdicts: Report['verdicts'] = []
  for (const [given, text] of pairs) {
    verdicts.push({ right: await passwords.verify(given, text), wrong: await passwords.verify(`x${given}`, text) })
  }
  return verdicts
}

/** The tags of the implementations that this runtime has. */
async function tagsOf(implementations: Record<string, Argon2id | undefined>): Promise<Report['tags']> {
  const tags: Report['tags'] = {}
  for (const [name, implementation] of Object.entries(implementations)) {
    if (!implementation) continue
    const computed = await Promise.all(inputs.map((input) => implementation(decode(input)))).catch(() => undefined)
    if (computed) tags[name] = computed.map(hex)
  }
  return tags
}

function decode(input: Question['inputs'][number]): Argon2Input {
  const bytes = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  return { ...input, password: bytes(input.password), salt: bytes(input.salt) }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
