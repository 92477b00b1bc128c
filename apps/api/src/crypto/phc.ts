import { fromBase64, toBase64 } from './base64.ts'

/** The parts of an argon2 PHC string. `memory` is in KiB. */
export interface Argon2Phc {
  memory: number
  passes: number
  parallelism: number
  salt: Uint8Array
  hash: Uint8Array
}

const shape =
  /^\$([a-z\d-]{1,32})\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,7})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/

/** Parameters beyond these are refused: a row must not be able to command gigabytes or minutes. */
const cap = { memory: 262_144, passes: 16, parallelism: 8 }

/** Why a string is not read. */
export type Unreadable = 'malformed_hash' | 'hash_too_costly'

/** Writes `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, as the PHC string format has it. */
export function formatPhc({ memory, passes, parallelism, salt, hash }: Argon2Phc, id = 'argon2id'): string {
  return `$${id}$v=19$m=${memory},t=${passes},p=${parallelism}$${toBase64(salt)}$${toBase64(hash)}`
}

/** Reads a PHC string, or undefined when it is of another scheme, malformed or beyond the caps. */
export function parsePhc(text: string): Argon2Phc | undefined {
  const read = readPhc(text, 'argon2id')
  return typeof read === 'string' ? undefined : read
}

/** Reads the PHC string of a scheme that has argon2's parameters. */
export function readPhc(text: string, id: string): Argon2Phc | Unreadable {
  const [whole, scheme, m = '', t = '', p = '', saltText = '', hashText = ''] = shape.exec(text) ?? []
  if (whole === undefined || scheme !== id) return 'malformed_hash'
  const [memory, passes, parallelism] = [Number(m), Number(t), Number(p)]
  if (memory < 8 * parallelism) return 'malformed_hash' // RFC 9106 §3.1
  if (memory > cap.memory || passes > cap.passes || parallelism > cap.parallelism) return 'hash_too_costly'
  const [salt, hash] = [fromBase64(saltText), fromBase64(hashText)]
  return salt && hash ? { memory, passes, parallelism, salt, hash } : 'malformed_hash'
}
