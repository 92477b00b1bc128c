import { base64url } from 'jose'
import { createAuthenticator, isCanonical } from '../crypto/authenticator.ts'

/** What a refresh token says, once its authenticity is proven. */
export interface RefreshToken {
  sessionId: string
  /** How many refreshes came before it. */
  generation: number
}

/**
 * Refresh tokens are derived, not stored: `<session>.<generation>.<HMAC-SHA-256 of both>`. Who reads the database
 * can make none; every instance with the master secret makes the same one.
 */
export interface RefreshTokens {
  derive(token: RefreshToken): string
  /** Undefined for anything but a token of ours in its one spelling. */
  verify(text: string): RefreshToken | undefined
}

const spelling = /^([\w-]{22})\.(0|[1-9]\d{0,8})\.([\w-]{43})$/

/** @param masterSecrets newest first: the newest derives, any of them verifies */
export function createRefreshTokens(masterSecrets: readonly string[]): RefreshTokens {
  const { codeOf, verify } = createAuthenticator(masterSecrets, 'gatehouse refresh tokens')

  return {
    derive({ sessionId, generation }) {
      const content = `${encodeId(sessionId)}.${generation}`
      return `${content}.${codeOf(content)}`
    },

    verify(text) {
      const parts = spelling.exec(text)
      if (!parts) return undefined
      const [, id = '', generation = '', code = ''] = parts
      const isOurs = isCanonical(id) && verify(`${id}.${generation}`, code)
      return isOurs ? { sessionId: decodeId(id), generation: Number(generation) } : undefined
    },
  }
}

function encodeId(uuid: string): string {
  const hex = uuid.replaceAll('-', '')
  return base64url.encode(Uint8Array.from({ length: 16 }, (_, index) => Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16)))
}

function decodeId(text: string): string {
  const hex = Array.from(base64url.decode(text), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
