import type { FieldError } from './errors.ts'

/** An error as the server answers it: `application/problem+json` (RFC 9457). */
export interface Problem<Code extends string, Status extends number> {
  /** What happened, for programs. */
  code: Code
  status: Status
  /** What happened, for people. */
  detail: string
  /** The status in words. */
  title: string
  /** `about:blank`: `code` tells more. */
  type: string
  /** Names the request in the server's log. */
  request_id: string
}

/** Fields of the request were refused. */
export interface InvalidRequest extends Problem<'invalid_request', 422> {
  errors: FieldError[]
}

/** An error that OAuth2 libraries read as well (RFC 6749 §5.2). */
export interface OAuthProblem<Code extends string, Status extends number, OAuthError extends string> extends Problem<
  Code,
  Status
> {
  error: OAuthError
  error_description: string
}
