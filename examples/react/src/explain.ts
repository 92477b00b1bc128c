import type { ErrorCode, GatehouseError } from '@gatehouse/client'

/** What a person can do with an error. */
export function explain(error: GatehouseError): string {
  return sentences[error.code] ?? error.detail
}

const away = 'The server can’t be reached at the moment.'

const sentences: Partial<Record<ErrorCode, string>> = {
  invalid_credentials: 'The username or the password is wrong.',
  user_exists: 'This username is taken.',
  invalid_request: 'Please look at the marked fields.',
  reauthentication_required: 'Your present password is wrong or missing.',
  account_disabled: 'This account is closed. Ask an administrator.',
  too_many_requests: 'Too many attempts. Please wait a little.',
  not_authenticated: 'Your session has ended. Sign in to go on.',
  invalid_token: 'Your session has ended. Sign in to go on.',
  overloaded: 'The server is busy. Please try again in a moment.',
  network_error: away,
  timed_out: away,
  unavailable: away,
  unexpected_response: away,
}
