/** The parts of an argon2id PHC string. `memory` is in KiB. */
export interface Argon2Phc {
  memory: number
  passes: number
  parallelism: number
  salt: Uint8Array
  hash: Uint8Array
}

const shape =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d{0,1}),p=([1-9]\d{0,1})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/

/** Parameters beyond these are refused: a row must not be able to command gigabytes or minutes. */
const cap = { memory: 262_144, passes: 16, parallelism: 8 }

/** Writes `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, as the PHC string format has it. */
export function formatPhc({ memory, passes, parallelism, salt, hash }: Argon2Phc): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${toBase64(salt)}$${toBase64(hash)}`
}

/** Reads a PHC string, or undefined when it is of another scheme, malformed or beyond the caps. */
export function parsePhc(text: string): Argon2Phc | undefined {
  const match = shape.exec(text)
  if (!match) return undefined
  const [, m = '', t = '', p = '', salt = '', hash = ''] = match
  const [memory, passes, parallelism] = [Number(m), Number(t), Number(p)]
  if (memory > cap.memory || passes > cap.passes || parallelism > cap.parallelism) return undefined
  if (memory < 8 * parallelism) return undefined // RFC 9106 §3.1
  if (salt.length % 4 === 1 || hash.length % 4 === 1) return undefined // no number of bytes has such a length in base64
  return { memory, passes, parallelism, salt: fromBase64(salt), hash: fromBase64(hash) }
}

/** Standard base64 without padding, as PHC strings have it. */
function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('=', '')
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
}
