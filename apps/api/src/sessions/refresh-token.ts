import { type CryptoKey, base64url } from 'jose'

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
  derive(token: RefreshToken): Promise<string>
  /** Undefined for anything but a token of ours in its one spelling. */
  verify(text: string): Promise<RefreshToken | undefined>
}

const spelling = /^([\w-]{22})\.(0|[1-9]\d{0,8})\.([\w-]{43})$/

/** @param masterSecrets newest first: the newest derives, any of them verifies */
export async function createRefreshTokens(masterSecrets: readonly string[]): Promise<RefreshTokens> {
  const keys = await Promise.all(masterSecrets.map(deriveKey))
  const [newest] = keys
  if (!newest) throw new Error('refresh tokens need a master secret')

  return {
    async derive({ sessionId, generation }) {
      const content = `${encodeId(sessionId)}.${generation}`
      const code = await crypto.subtle.sign('HMAC', newest, encoder.encode(content))
      return `${content}.${base64url.encode(new Uint8Array(code))}`
    },

    async verify(text) {
      const parts = spelling.exec(text)
      if (!parts) return undefined
      const [, id = '', generation = '', code = ''] = parts
      if (!isCanonical(id) || !isCanonical(code)) return undefined
      const content = encoder.encode(`${id}.${generation}`)
      const verdicts = await Promise.all(
        keys.map((key) => crypto.subtle.verify('HMAC', key, new Uint8Array(base64url.decode(code)), content)),
      )
      return verdicts.includes(true) ? { sessionId: decodeId(id), generation: Number(generation) } : undefined
    },
  }
}

async function deriveKey(masterSecret: string): Promise<CryptoKey> {
  const master = await crypto.subtle.importKey('raw', encoder.encode(masterSecret), 'HKDF', false, ['deriveKey'])
  const derivation = {
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(),
    info: encoder.encode('gatehouse refresh tokens'),
  }
  return crypto.subtle.deriveKey(derivation, master, { name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign', 'verify'])
}

const encoder = new TextEncoder()

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
