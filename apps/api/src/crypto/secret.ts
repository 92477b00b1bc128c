import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'

/**
 * Seals small secrets for storage, as JWE (`dir`, A256GCM) under keys derived from master secrets.
 * Several master secrets may be given, newest first, while one replaces another: the newest
 * seals, any of them opens.
 */
export interface Vault {
  /** `purpose` is authenticated with the text: the same must be given to `open`. */
  seal(plain: string, purpose: string): Promise<string>
  /** The plain text, or undefined when no master secret opens `sealed` for `purpose`, or it was altered. */
  open(sealed: string, purpose: string): Promise<string | undefined>
}

interface SealingKey {
  /** Names the master secret without revealing it. */
  id: string
  bytes: Uint8Array
}

/** @param masterSecrets at least one, newest first */
export async function createVault(masterSecrets: readonly string[]): Promise<Vault> {
  const keys = await Promise.all(masterSecrets.map(deriveKey))
  const [newest] = keys
  if (!newest) throw new Error('a vault needs a master secret')

  return {
    seal(plain, purpose) {
      const header = { alg: 'dir', enc: 'A256GCM', kid: newest.id, purpose }
      return new CompactEncrypt(encoder.encode(plain)).setProtectedHeader(header).encrypt(newest.bytes)
    },
    async open(sealed, purpose) {
      try {
        const { kid } = decodeProtectedHeader(sealed)
        const key = keys.find(({ id }) => id === kid)
        if (!key) return undefined
        const { plaintext, protectedHeader } = await compactDecrypt(sealed, key.bytes)
        return protectedHeader['purpose'] === purpose ? decoder.decode(plaintext) : undefined
      } catch {
        return undefined // not a JWE, or not one that this key made
      }
    },
  }
}

/** One HKDF output serves as the key, another, public, as its name (RFC 5869). */
async function deriveKey(masterSecret: string): Promise<SealingKey> {
  const master = await crypto.subtle.importKey('raw', encoder.encode(masterSecret), 'HKDF', false, ['deriveBits'])
  const derive = async (info: string, bits: number) => {
    const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encoder.encode(info) }
    return new Uint8Array(await crypto.subtle.deriveBits(parameters, master, bits))
  }
  const name = await derive('gatehouse sealing key name', 64)
  const id = Array.from(name, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return { id, bytes: await derive('gatehouse sealing key', 256) }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
