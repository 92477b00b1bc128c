import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { base64url } from 'jose'

/**
 * HMAC-SHA-256 codes under keys derived from the master secrets, one kind per purpose. Computed in place: for so few
 * bytes WebCrypto's way to another thread takes six times as long.
 */
export interface Authenticator {
  /** The code of `content`, in base64url: 43 characters. */
  codeOf(content: string): string
  /** Whether `code` is one of `content`, in its one spelling. */
  verify(content: string, code: string): boolean
}

/** @param masterSecrets newest first: the newest makes codes, any of them verifies */
export function createAuthenticator(masterSecrets: readonly string[], purpose: string): Authenticator {
  const keys = masterSecrets.map((secret) => hkdf(sha256, encoder.encode(secret), undefined, encoder.encode(purpose), 32))
  const [newest] = keys
  if (!newest) throw new Error(`${purpose} need a master secret`)
  const codeUnder = (key: Uint8Array, content: string) => hmac(sha256, key, encoder.encode(content))

  return {
    codeOf: (content) => base64url.encode(codeUnder(newest, content)),

    verify(content, code) {
      if (!isCanonical(code)) return false
      const presented = base64url.decode(code)
      return keys.map((key) => isEqual(presented, codeUnder(key, content))).includes(true)
    },
  }
}

/** The last letter of base64url may carry bits that stand for nothing. */
export const isCanonical = (text: string) => base64url.encode(base64url.decode(text)) === text

/** Takes the same time wherever the first difference is. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0)
  return difference === 0
}

const encoder = new TextEncoder()
