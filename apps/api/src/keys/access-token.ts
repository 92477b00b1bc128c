import { SignJWT, base64url, jwtVerify } from 'jose'
import type { Keyring } from './keyring.ts'
import { createTokenCache } from './token-cache.ts'

/** Whom a verified access token speaks for, from its claims (RFC 9068 §2.2). */
export interface Caller {
  /** `sub`: the account's id. */
  userId: string
  /** `sid`: the sign-in that the token belongs to. */
  sessionId: string
  username: string
  role: 'user' | 'admin'
  /** `auth_time`: when the password was last proven; seconds since 1970. */
  authTime: number
  /** `exp`: seconds since 1970. */
  expiresAt: number
}

/** Whom a token is issued for. */
export interface Subject extends Pick<Caller, 'userId' | 'sessionId' | 'username' | 'role'> {
  /** When the password was proven. */
  authTime: Date
  /** When the session is over: no token of it lives longer. */
  notAfter: Date
}

export interface AccessTokens {
  /** Whether a signing key is open. */
  readonly ready: boolean
  /** Signs a token at `now`; `expiresIn` in seconds. Undefined while no signing key is open. */
  issue(subject: Subject, now: Date): Promise<{ accessToken: string; expiresIn: number } | undefined>
  /**
   * The caller, or undefined for anything but a token of ours that is valid at `now`.
   * Rejects where a key that is not known here can't be looked for.
   */
  verify(token: string, now: Date): Promise<Caller | undefined>
}

/**
 * Access tokens: ES256 JWTs in the profile of RFC 9068, verified after RFC 8725.
 *
 * @param options.issuer `iss` and `aud`
 * @param options.ttl seconds
 * @param options.remember how many verified tokens are remembered
 */
export function createAccessTokens(options: {
  keyring: Pick<Keyring, 'signer' | 'verifiers' | 'find' | 'onWithdrawal'>
  issuer: string
  ttl: number
  remember: number
}): AccessTokens {
  const { keyring, issuer, ttl } = options
  const verified = createTokenCache<Caller>(options.remember)
  keyring.onWithdrawal(verified.clear) // rare: what goes on being valid is verified once more

  return {
    get ready() {
      return keyring.signer !== undefined
    },

    async issue({ userId, sessionId, username, role, authTime, notAfter }, now) {
      if (!keyring.signer) return undefined
      const { kid, key } = keyring.signer
      const issuedAt = toSeconds(now)
      const expiresAt = Math.min(issuedAt + ttl, toSeconds(notAfter))
      const accessToken = await new SignJWT({
        sid: sessionId,
        username,
        role,
        auth_time: toSeconds(authTime),
        client_id: 'gatehouse',
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
        .setIssuer(issuer)
        .setAudience(issuer)
        .setSubject(userId)
        .setJti(crypto.randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(key)
      return { accessToken, expiresIn: expiresAt - issuedAt }
    },

    async verify(token, now) {
      const remembered = verified.get(token)
      if (remembered) return remembered.expiresAt > toSeconds(now) ? remembered : undefined
      return verifyOnce(token, now)
    },
  }

  async function verifyOnce(token: string, now: Date): Promise<Caller | undefined> {
    const kid = acceptableKid(token)
    const key = kid === undefined ? undefined : await keyring.find(kid)
    if (kid === undefined || !key) return undefined
    const rules = {
      algorithms: ['ES256'],
      typ: 'at+jwt',
      issuer,
      audience: issuer,
      currentDate: now,
      requiredClaims: ['exp', 'iat'],
    }
    const result = await jwtVerify(token, key, rules).catch(() => undefined)
    if (!result || !keyring.verifiers.has(kid)) return undefined // retired meanwhile, it must not be remembered
    const caller = toCaller(result.payload, toSeconds(now), ttl)
    if (caller) verified.set(token, caller)
    return caller
  }
}

/** Clocks of two instances may differ by this many seconds. */
const clockSkew = 5
const maxTokenLength = 8 * 1024
const headerMembers = new Set(['alg', 'typ', 'kid'])

/**
 * The `kid` of a token in its one canonical spelling, before any cryptography. jose itself accepts
 * padding, flipped trailing bits and white space, and headers that point at keys (RFC 8725 §3.1, §3.10).
 */
export function acceptableKid(token: string): string | undefined {
  if (token.length > maxTokenLength) return undefined
  const parts = token.split('.')
  const [header = ''] = parts
  if (parts.length !== 3 || !parts.every(isCanonicalBase64url)) return undefined
  const members = parseObject(header)
  if (!members || members['alg'] !== 'ES256' || members['typ'] !== 'at+jwt') return undefined
  if (!Object.keys(members).every((name) => headerMembers.has(name))) return undefined
  const { kid } = members
  return typeof kid === 'string' ? kid : undefined
}

function isCanonicalBase64url(part: string): boolean {
  if (!/^[A-Za-z0-9_-]+$/.test(part) || part.length % 4 === 1) return false
  return base64url.encode(base64url.decode(part)) === part
}

function parseObject(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(base64url.decode(part)))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function toCaller(claims: Record<string, unknown>, now: number, ttl: number): Caller | undefined {
  const { sub, sid, username, role, auth_time, exp, iat } = claims
  if (!isInstant(exp) || !isInstant(iat) || !isInstant(auth_time) || iat > now + clockSkew) return undefined
  if (typeof sub !== 'string' || typeof sid !== 'string' || typeof username !== 'string') return undefined
  if (role !== 'user' && role !== 'admin') return undefined
  const expiresAt = Math.min(exp, iat + ttl) // a shorter ACCESS_TOKEN_TTL holds for the tokens of before, too
  if (expiresAt <= now) return undefined
  return { userId: sub, sessionId: sid, username, role, authTime: auth_time, expiresAt }
}

/** `exp: 1e400` parses as Infinity. */
const isInstant = (value: unknown): value is number => Number.isSafeInteger(value)

const toSeconds = (date: Date) => Math.floor(date.getTime() / 1000)
