import { GatehouseError } from './errors.ts'
import { createKeySource } from './verify-keys.ts'

/** What `verify()` and `verifyRequest()` throw, in `code`. */
export type VerifyErrorCode =
  /** Status 401: anything is wrong with the token. `detail` says what, for one's own log. */
  | 'invalid_token'
  /** Status 401: the request has no bearer token. */
  | 'not_authenticated'
  /** Status 503: the token's key isn't known, and the server's keys can't be fetched now. `cause` says why. */
  | 'keys_unavailable'
  /** The caller's signal, while the keys were fetched. */
  | 'aborted'
  /** The caller's `AbortSignal.timeout()`, while the keys were fetched. */
  | 'timed_out'

export interface VerifierOptions {
  /** `iss` of the tokens: the server's `PUBLIC_URL`, character by character. */
  issuer: string
  /** `aud` of the tokens; the issuer by default, as the server writes it. */
  audience?: string | undefined
  /** Where the server publishes its keys; `${issuer}/.well-known/jwks.json` by default. */
  jwksUrl?: string | undefined
  /** Fetches the keys; the runtime's by default. */
  fetch?: typeof fetch | undefined
  /** The time, in milliseconds since 1970; the runtime's clock by default. */
  now?: (() => number) | undefined
  /** Milliseconds that fetching the keys may take; 5000 by default. */
  timeout?: number | undefined
}

/** What an access token says (RFC 9068 §2.2). Times are in seconds since 1970. */
export interface AccessTokenClaims {
  /** The issuer: the server's `PUBLIC_URL`. */
  iss: string
  /** The audience: the same. */
  aud: string
  /** The account's id, a UUID that is never used again. */
  sub: string
  /** The session that the token belongs to. */
  sid: string
  /** This token. */
  jti: string
  /** When it was issued. */
  iat: number
  /** When it ends. */
  exp: number
  /** When the password was proven; a refresh leaves it. */
  auth_time: number
  /** `gatehouse`. */
  client_id: string
  /** The name at the time of issue, for display: `sub` is the account. */
  username: string
  role: 'user' | 'admin'
}

/** A `Request`, or one of `node:http`, whose headers are an object. */
export interface RequestWithHeaders {
  headers: { get(name: string): string | null } | { authorization?: string | undefined }
}

/** Verifies access tokens of one server. */
export interface Verifier {
  /**
   * The claims of a valid access token; else it throws a `GatehouseError<VerifyErrorCode>`.
   *
   * @param token the access token, without `Bearer`
   * @param options.signal ends the waiting for the server's keys
   */
  verify(token: string, options?: { signal?: AbortSignal | undefined }): Promise<AccessTokenClaims>
  /**
   * The claims of the access token in `Authorization: Bearer …` (RFC 6750 §2.1); throws like `verify()`,
   * and `not_authenticated` where there is none. Cookies are not looked at.
   *
   * @param request of the web, or of `node:http`
   */
  verifyRequest(request: RequestWithHeaders): Promise<AccessTokenClaims>
}

/**
 * Verifies access tokens by the public keys of the server that issued them, without asking it for each: after RFC 8725
 * and RFC 9068 §4, by the rules of the server itself. The keys are fetched when the first token is verified, kept for five
 * minutes, and for a day while the server can't be reached.
 *
 * A session that ended is not seen here: its access tokens are good until `exp`, half an hour at most by default.
 * What can't wait for that asks the server (`GET /users/me`).
 *
 * @param options of these, `issuer` alone is needed
 */
export function createVerifier({
  issuer,
  audience = issuer,
  jwksUrl = `${issuer}/.well-known/jwks.json`,
  fetch = globalThis.fetch,
  now = Date.now,
  timeout = 5000,
}: VerifierOptions): Verifier {
  const keys = createKeySource({ url: jwksUrl, fetch, now, timeout })

  async function verify(token: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<AccessTokenClaims> {
    const { kid, signed, signature, payload } = parseToken(token)
    const key = await keys.find(kid, signal).catch((cause: unknown) => {
      throw signal?.aborted ? interrupted(signal) : unavailable(cause)
    })
    if (!key) throw invalid('kid is unknown')
    if (!(await crypto.subtle.verify(ecdsa, key, signature, signed))) throw invalid('the signature is wrong')
    const claims = parseObject(payload)
    if (claims['iss'] !== issuer) throw invalid(`iss is not ${issuer}`)
    if (claims['aud'] !== audience) throw invalid(`aud is not ${audience}`)
    return checkClaims(claims, Math.floor(now() / 1000))
  }

  return {
    verify,
    async verifyRequest({ headers }) {
      const field = isFetchHeaders(headers) ? headers.get('Authorization') : headers.authorization
      const token = /^Bearer +(\S.*)$/i.exec(field ?? '')?.[1]
      if (token !== undefined) return verify(token)
      throw new GatehouseError<VerifyErrorCode>({ code: 'not_authenticated', status: 401, detail: 'There is no bearer token.' })
    },
  }
}

/** In a request of `node:http`, `get` is a header that anybody may send. */
const isFetchHeaders = (headers: RequestWithHeaders['headers']): headers is { get(name: string): string | null } =>
  'get' in headers && typeof headers.get === 'function'

/** Seconds. A token is used right after it was issued, by a clock that may be ahead of this one. At the end there is no such haste. */
const clockSkew = 5
const maxLength = 8192
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const ecdsa = { name: 'ECDSA', hash: 'SHA-256' }

/** The parts of a token in its one canonical spelling, before any cryptography. */
function parseToken(token: string) {
  const parts = typeof token === 'string' && token.length <= maxLength ? token.split('.') : []
  if (parts.length !== 3 || !parts.every((part) => base64url.test(part))) throw invalid('it is no JWT')
  const [header = '', payload = '', signature = ''] = parts
  const { alg, typ, kid, ...others } = parseObject(header)
  // jwk, jku, x5u, crit and whatever else tells a verifier what to do (RFC 8725 §3.1, §3.10)
  if (alg !== 'ES256' || typ !== 'at+jwt' || typeof kid !== 'string' || Object.keys(others).length > 0) {
    throw invalid('its header is not that of an access token')
  }
  if (signature.length !== 86) throw invalid('the signature is not of 64 bytes')
  return { kid, payload, signed: new TextEncoder().encode(`${header}.${payload}`), signature: decode(signature) }
}

/** No padding, and no bits left over: elsewhere several spellings make the same bytes. */
const base64url = /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/

function decode(part: string): Uint8Array<ArrayBuffer> {
  const text = atob(part.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = text.charCodeAt(i) // Uint8Array.from() takes ten times as long
  return bytes
}

function parseObject(part: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(decode(part)))
  } catch {} // the reason quotes the token
  if (typeof value !== 'object' || value === null) throw invalid('it has no JSON object')
  return value as Record<string, unknown>
}

/** The claims besides `iss` and `aud`, at `now` in seconds. */
function checkClaims(claims: Record<string, unknown>, now: number): AccessTokenClaims {
  const { iss, aud, sub, sid, jti, iat, exp, nbf = now, auth_time, client_id, username, role } = claims
  const texts = [iss, aud, sub, sid, jti, client_id, username].every((value) => typeof value === 'string')
  const instants = [iat, exp, nbf, auth_time].every(Number.isSafeInteger) // `exp: 1e400` parses as Infinity
  if (!texts || !instants || (role !== 'user' && role !== 'admin')) throw invalid('its claims are not those of an access token')
  const checked = { iss, aud, sub, sid, jti, iat, exp, auth_time, client_id, username, role } as AccessTokenClaims
  if (checked.exp <= now) throw invalid('it has expired')
  if (checked.iat > now + clockSkew || (nbf as number) > now) throw invalid('it is not yet valid')
  return checked
}

const invalid = (reason: string) =>
  new GatehouseError<VerifyErrorCode>({ code: 'invalid_token', status: 401, detail: `The access token is not valid: ${reason}.` })

const unavailable = (cause: unknown) =>
  new GatehouseError<VerifyErrorCode>({
    code: 'keys_unavailable',
    status: 503,
    detail: 'The server’s keys can’t be fetched.',
    cause,
  })

function interrupted({ reason }: AbortSignal) {
  const code = reason instanceof Error && reason.name === 'TimeoutError' ? 'timed_out' : 'aborted'
  return new GatehouseError<VerifyErrorCode>({ code, detail: 'The caller ended the verification.', cause: reason })
}
