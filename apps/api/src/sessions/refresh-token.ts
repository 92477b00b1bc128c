import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { base64url } from 'jose'

/** What a refresh token says, once its authenticity is proven. */
export interface RefreshToken {
  sessionId: string
  /** How many refreshes came before it. */
  generation: number
}

/**
 * Refresh tokens are derived, not stored: `<session>.<generation>.<HMAC-SHA-256 of both>`. Who reads the database
 * can make none; every instance with the master secret makes the same one. Computed in place: for so few
 * bytes WebCrypto's way to another thread takes six times as long.
 */
export interface RefreshTokens {
  derive(token: RefreshToken): string
  /** Undefined for anything but a token of ours in its one spelling. */
  verify(text: string): RefreshToken | undefined
}

const spelling = /^([\w-]{22})\.(0|[1-9]\d{0,8})\.([\w-]{43})$/

/** @param masterSecrets newest first: the newest derives, any of them verifies */
export function createRefreshTokens(masterSecrets: readonly string[]): RefreshTokens {
  const keys = masterSecrets.map((secret) => hkdf(sha256, encoder.encode(secret), undefined, purpose, 32))
  const [newest] = keys
  if (!newest) throw new Error('refresh tokens need a master secret')

  return {
    derive({ sessionId, generation }) {
      const content = `${encodeId(sessionId)}.${generation}`
      return `${content}.${base64url.encode(codeOf(content, newest))}`
    },

    verify(text) {
      const parts = spelling.exec(text)
      if (!parts) return undefined
      const [, id = '', generation = '', code = ''] = parts
      if (!isCanonical(id) || !isCanonical(code)) return undefined
      const presented = base64url.decode(code)
      const matches = keys.map((key) => isEqual(presented, codeOf(`${id}.${generation}`, key)))
      return matches.includes(true) ? { sessionId: decodeId(id), generation: Number(generation) } : undefined
    },
  }
}

const codeOf = (content: string, key: Uint8Array) => hmac(sha256, key, encoder.encode(content))

/** Takes the same time wherever the first difference is. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0)
  return difference === 0
}

const encoder = new TextEncoder()
const purpose = encoder.encode('gatehouse refresh tokens')

/** The last letter of base64url may carry bits that stand for nothing. */
const isCanonical = (text: string) => base64url.encode(base64url.decode(text)) === text

function encodeId(uuid: string): string {
  const hex = uuid.replaceAll('-', '')
  return base64url.encode(Uint8Array.from({ length: 16 }, (_, index) => Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16)))
}

function decodeId(text: string): string {
  const hex = Array.from(base64url.decode(text), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
