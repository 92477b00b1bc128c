import type { contract, verbErrors } from './contract.ts'

/** Each route as a call: `api.users.me.$get()` is `GET /users/me`. */
export type RawApi = typeof contract

/** The server's codes that each verb can meet. */
export type VerbErrors = typeof verbErrors
