import type { GatehouseError } from './errors.ts'

/** Nobody is signed in. */
export interface SignedOut {
  readonly status: 'signedOut'
  readonly id?: undefined
}

/** Somebody is signed in. */
export interface SignedIn {
  readonly status: 'signedIn'
  /** Of this sign-in, made up by the client: whoever signs in next has another. */
  readonly id: string
}

/** Somebody is signed in as far as is known, but first that has to be confirmed, or the access token to be renewed. */
export interface Stale {
  readonly status: 'stale'
  /** Of the sign-in; absent where nothing is known yet. */
  readonly id?: string | undefined
  /** Why the last try failed, such as `network_error`; absent before the first. */
  readonly error?: GatehouseError
}

/** What the client knows of its session. A change makes a new object, and nothing else does. */
export type Session = SignedOut | SignedIn | Stale
