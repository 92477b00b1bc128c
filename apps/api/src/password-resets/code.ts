import { base64url } from 'jose'

/** Random bytes of a reset code: 192 bits, which nobody guesses within the code's hour. */
const codeBytes = 24

/** Seconds for which a reset code may be spent. */
export const codeLifetime = 3600

/** A new reset code; 32 characters of base64url. */
export function createCode(): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(codeBytes)))
}

/** What is stored of a code: its SHA-256. A random code needs no slow hash. */
export async function hashCode(code: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(code))
  return base64url.encode(new Uint8Array(digest))
}
