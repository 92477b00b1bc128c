import type { Context, TypedResponse } from 'hono'
import type { Env } from './context.ts'
import { json } from './respond.ts'

/**
 * Every error the API answers: its HTTP status and the text a person reads.
 * The codes are stable: clients branch on them, so one is never renamed or reused.
 */
export const catalogue = {
  user_exists: [400, 'User already exists'],
  user_not_found: [400, 'User does not exist'],
  invalid_credentials: [401, 'Incorrect username or password'],
  not_authenticated: [401, 'Not authenticated'],
  invalid_token: [401, 'Invalid credentials'],
  invalid_grant: [400, 'The refresh token is not valid, or its session has ended'],
  unsupported_grant_type: [400, 'grant_type must be password or refresh_token'],
  mixed_credentials: [400, 'Send an access token or a cookie, not both'],
  invalid_reset_code: [400, 'The reset code is not valid: it may be mistyped, spent or older than an hour'],
  invalid_oauth_request: [400, 'A parameter is missing, or is there twice'],
  cross_site_request: [403, 'With cookies, requests are accepted from pages of this origin only'],
  forbidden: [403, 'Only the account itself or an administrator may do this'],
  reauthentication_required: [403, 'Send current_password, or sign in again and retry within 10 minutes'],
  not_found: [404, 'There is nothing at this path'],
  session_not_found: [404, 'There is no such session of yours'],
  method_not_allowed: [405, 'This path does not support this method'],
  request_timeout: [408, 'The request body did not arrive in time'],
  account_disabled: [409, 'The account is disabled: enable it first'],
  last_administrator: [409, 'This is the last administrator: appoint another first'],
  payload_too_large: [413, 'The request body is larger than 64 KiB'],
  unsupported_media_type: [415, 'The request body has the wrong media type'],
  invalid_request: [422, 'The request is not valid'],
  too_many_requests: [429, 'Too many attempts, retry after the seconds in Retry-After'],
  internal_error: [500, 'The server failed to answer this request'],
  overloaded: [503, 'Too many sign-ins at once, retry shortly'],
  unavailable: [503, 'The service is temporarily unavailable'],
  not_ready: [503, 'The service is not ready'],
  timeout: [503, 'The request took too long'],
} as const

export type ErrorCode = keyof typeof catalogue
export type ErrorStatus<C extends ErrorCode> = (typeof catalogue)[C][0]

/** One refused field of a request: where it is, and what is allowed there. */
export type FieldError = Extensions['invalid_request']['errors'][number]

/** What some codes carry beyond the members that all problems share. */
interface Extensions {
  invalid_credentials: { error: 'invalid_grant' }
  invalid_grant: OAuthError<'invalid_grant'>
  unsupported_grant_type: OAuthError<'unsupported_grant_type'>
  invalid_oauth_request: OAuthError<'invalid_request'>
  invalid_request: { errors: { path: string; message: string }[] }
  not_ready: { checks: Record<string, string> }
}

/** The members of RFC 6749 §5.2. */
interface OAuthError<Code extends string> {
  error: Code
  error_description: string
}

interface Shared {
  type: string
  title: string
  detail: string
  /** Names the line in the request log. */
  request_id: string
}

/**
 * RFC 9457 problem details by code, each with its literal `code` and `status`.
 * A mapped type, not an alias per problem: so the client's declarations print it whole.
 */
type Problems = {
  [C in ErrorCode]: Flat<Shared & { status: ErrorStatus<C>; code: C } & (C extends keyof Extensions ? Extensions[C] : unknown)>
}
type Flat<T> = { [K in keyof T]: T[K] }

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** The reason phrase of a status (RFC 9110 §15), which is the title of a problem of type `about:blank`. */
export const titleOf = (status: number): string => titles[status] ?? 'Error'

/** What a failed authentication answers in `WWW-Authenticate` (RFC 6750 §3). */
const challenges: Partial<Record<ErrorCode, string>> = {
  not_authenticated: 'Bearer',
  invalid_token: 'Bearer error="invalid_token"',
}

/** The typed response of each code in `C`. */
export type ProblemResponse<C extends ErrorCode> = C extends ErrorCode
  ? Response & TypedResponse<Problems[C], ErrorStatus<C>, 'json'>
  : never
type Rest<C extends ErrorCode> = C extends keyof Extensions ? [extension: Extensions[C]] : [extension?: { detail?: string }]

/** Answers `code` as `application/problem+json`. `extension` may replace `detail`. */
export function problem<C extends ErrorCode>(c: Context<Env>, code: C, ...[extension]: Rest<C>): ProblemResponse<C> {
  const [status, detail] = catalogue[code]
  const headers: Record<string, string> = { 'Content-Type': 'application/problem+json' }
  const challenge = challenges[code]
  if (challenge !== undefined) headers['WWW-Authenticate'] = challenge
  if (status === 503) headers['Retry-After'] = '1'
  if (status === 408 || status === 413) headers['Connection'] = 'close' // the rest of the body is not read
  const body = { type: 'about:blank', title: titleOf(status), status, detail, code, request_id: c.get('requestId'), ...extension }
  c.set('problem', code)
  return json(c, body, status, headers) as unknown as ProblemResponse<C>
}

/** The codes that OAuth2 libraries are to read, with RFC 6749's own. */
export const oauthErrors = {
  invalid_grant: 'invalid_grant',
  unsupported_grant_type: 'unsupported_grant_type',
  invalid_oauth_request: 'invalid_request',
} as const

/** Answers `code` as RFC 6749 §5.2 has it: libraries look for `application/json`. The members of a problem are there, too. */
export function oauthProblem<C extends keyof typeof oauthErrors>(c: Context<Env>, code: C, detail?: string): ProblemResponse<C> {
  const [status, standing] = catalogue[code]
  const description = detail ?? standing
  const body = {
    error: oauthErrors[code],
    error_description: description,
    type: 'about:blank',
    title: titleOf(status),
    status,
    detail: description,
    code,
    request_id: c.get('requestId'),
  }
  c.set('problem', code)
  return json(c, body, status) as unknown as ProblemResponse<C>
}
