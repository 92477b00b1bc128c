import type { VerbErrors } from './raw-api.ts'

/** What the server answers in `code`. Codes are stable: none is ever renamed or reused. */
export type ServerErrorCode =
  | 'user_exists'
  | 'user_not_found'
  | 'invalid_credentials'
  | 'not_authenticated'
  | 'invalid_token'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'mixed_credentials'
  | 'invalid_reset_code'
  | 'invalid_oauth_request'
  | 'cross_site_request'
  | 'forbidden'
  | 'reauthentication_required'
  | 'not_found'
  | 'session_not_found'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'account_disabled'
  | 'last_administrator'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'invalid_request'
  | 'too_many_requests'
  | 'internal_error'
  | 'overloaded'
  | 'unavailable'
  | 'not_ready'
  | 'timeout'

/** What can go wrong with any call, before the server's answer or in place of it. */
export type CallErrorCode =
  /** The server could not be reached, or the connection broke. */
  | 'network_error'
  /** No answer within `timeout`, or before the caller's own `AbortSignal.timeout()`. */
  | 'timed_out'
  /** The caller's signal. */
  | 'aborted'
  /** An answer that is not Gatehouse's: another server's, a proxy's page, a redirect, or of a version that doesn't fit. */
  | 'unexpected_response'

/** What goes wrong here rather than at the server. */
export type LocalErrorCode =
  | CallErrorCode
  /** `createClient()` was not given the http(s) URL of an API. */
  | 'invalid_url'
  /** `createVerifier()`: the server's public keys can't be had. */
  | 'keys_unavailable'

export type ErrorCode = ServerErrorCode | LocalErrorCode

/** One refused field of a request. */
export interface FieldError {
  /** Where it is, such as `password`. */
  path: string
  /** What is allowed there. */
  message: string
}

/** What is known of a failure. */
export interface GatehouseErrorInit<Code extends string = ErrorCode> {
  code: Code
  status?: number
  detail: string
  fields?: FieldError[]
  requestId?: string | undefined
  retryAfter?: number | undefined
  cause?: unknown
}

/** The one error that this package throws. `isGatehouseError()` tells it from others. */
export class GatehouseError<Code extends string = ErrorCode> extends Error {
  override name = 'GatehouseError'
  /** What happened, for programs. A newer server may send one that this version doesn't know. */
  declare readonly code: Code
  /** The HTTP status; 0 where there was no answer. */
  declare readonly status: number
  /** What happened, for people; also the `message`. */
  declare readonly detail: string
  /** The fields that were refused, with `invalid_request`; else empty. */
  declare readonly fields: FieldError[]
  /** Names the request in the server's log. */
  declare readonly requestId: string | undefined
  /** Seconds after which to try again, where the server said so. */
  declare readonly retryAfter: number | undefined

  constructor({ cause, ...known }: GatehouseErrorInit<Code>) {
    super(known.detail, { cause })
    Object.assign(this, { status: 0, fields: [] }, known)
  }
}

/** Nobody is signed in, as far as this client knows. */
export const notAuthenticated = (detail: string) => new GatehouseError({ code: 'not_authenticated', status: 401, detail })

/**
 * Whether `error` is a `GatehouseError`, of whichever copy of this package.
 *
 * @param error what was caught
 * @param verb what threw it: narrows `code` to what it can meet, so that a `switch` can be complete
 */
export function isGatehouseError<Verb extends keyof VerbErrors>(
  error: unknown,
  verb: Verb,
): error is GatehouseError<VerbErrors[Verb] | CallErrorCode>
export function isGatehouseError(error: unknown): error is GatehouseError
export function isGatehouseError(error: unknown): error is GatehouseError {
  return error instanceof Error && error.name === 'GatehouseError'
}
