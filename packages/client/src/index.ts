export type { Answer, RawOptions } from './answer.ts'
export { type ClientOptions, type GatehouseClient, createClient } from './client.ts'
export {
  type CallErrorCode,
  type ErrorCode,
  type FieldError,
  GatehouseError,
  type LocalErrorCode,
  type ServerErrorCode,
  isGatehouseError,
} from './errors.ts'
export type { InvalidRequest, OAuthProblem, Problem } from './problems.ts'
export type { RawApi, VerbErrors } from './raw-api.ts'
export { type Data, unwrap } from './response.ts'
export type { Session, SignedIn, SignedOut, Stale } from './session.ts'
export type { Credentials, CurrentUser, Done, NewUser, SessionView, UserChange, UserDeletion } from './shapes.ts'
export type { SessionStorage } from './storage.ts'
export type { CallOptions, Verbs } from './verbs.ts'
