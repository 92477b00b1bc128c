import { v7 as uuidv7 } from 'uuid'
import { createAuthenticator } from '../crypto/authenticator.ts'

/**
 * What a browser keeps to be known again at the next sign-in: `<id>.<HMAC of the id and the account>`. It proves nothing
 * but that the account has signed in with it; wrong passwords of others don't slow down who has it.
 */
export interface DeviceTokens {
  issue(userId: string, now: Date): string
  /** The device's id, if `text` was issued for the account in the last year. */
  verify(text: string, userId: string, now: Date): string | undefined
}

/** Seconds. */
export const deviceLifetime = 365 * 86_400

const spelling = /^([\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12})\.([\w-]{43})$/

export function createDeviceTokens(masterSecrets: readonly string[]): DeviceTokens {
  const { codeOf, verify } = createAuthenticator(masterSecrets, 'gatehouse device tokens')
  const content = (id: string, userId: string) => `${id}.${userId}`

  return {
    issue(userId, now) {
      const id = uuidv7({ msecs: now.getTime() })
      return `${id}.${codeOf(content(id, userId))}`
    },

    verify(text, userId, now) {
      const [, id = '', code = ''] = spelling.exec(text) ?? []
      if (id === '' || !verify(content(id, userId), code)) return undefined
      const age = now.getTime() - timeOf(id)
      return age < deviceLifetime * 1000 ? id : undefined
    },
  }
}

/** Milliseconds since 1970: the first 48 bits of a UUID version 7 (RFC 9562 §5.7). */
const timeOf = (id: string) => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
