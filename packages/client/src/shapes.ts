/** What a change answers. */
export interface Done {
  /** For people. */
  message: string
}

/** An account to register. */
export interface NewUser {
  /** 1 to 64 characters, no spaces; unique without regard to case. */
  username: string
  /** 8 to 256 characters (the server may ask for more), not a common one, not the username. */
  password: string
  /** `YYYY-MM-DD`, or an ISO 8601 date-time of which the calendar day is taken. */
  birthday?: string | null | undefined
}

/** What to sign in with. */
export interface Credentials {
  username: string
  password: string
}

/** Who is signed in. */
export interface CurrentUser {
  /** The account for good: a UUID that is never used again. */
  id: string
  /** As it was typed at registration. */
  username: string
  role: 'admin' | 'user'
}

/** What to change of an account. What is absent or null stays as it is. */
export interface UserChange {
  /** The account; by default one's own. Another's takes an administrator. */
  username?: string | undefined
  /** A new password. Ends the account's other sessions. */
  password?: string | null | undefined
  /** `YYYY-MM-DD`, or an ISO 8601 date-time of which the calendar day is taken. */
  birthday?: string | null | undefined
  /** For administrators. Ends the account's sessions. */
  role?: 'admin' | 'user' | null | undefined
  /** For administrators. `true` ends the account's sessions. */
  disabled?: boolean | null | undefined
  /** The password until now: for a new one, when the sign-in is more than 10 minutes ago. */
  current_password?: string | null | undefined
}

/** An account to delete. */
export interface UserDeletion {
  /** The account; by default one's own. Another's takes an administrator. */
  username?: string | undefined
  /** The password, when the sign-in is more than 10 minutes ago. */
  current_password?: string | undefined
}

/** A session of one's own, as the server lists it. */
export interface SessionView {
  /** UUID. */
  id: string
  /** When the password was proven: RFC 3339, UTC. */
  create_time: string
  /** The sign-in or the last renewal: RFC 3339, UTC. */
  last_used: string
  /** When it is over, unless it is renewed before: RFC 3339, UTC. */
  expire_time: string
  user_agent: string | null
  /** The network that it was opened from: 24 bits of an IPv4 address, 48 of IPv6. */
  address_prefix: string | null
  /** Whether it is the one that asks. */
  current: boolean
}
