/** What is recorded. Names are stable: retention and filters go by them. */
export const eventNames = [
  'user_created',
  'user_imported',
  'user_read',
  'users_listed',
  'user_changed',
  'password_changed',
  'password_reset_issued',
  'password_reset',
  'role_changed',
  'user_disabled',
  'user_enabled',
  'user_deleted',
  'user_exported',
  'signed_in',
  'signed_out',
  'session_ended',
  'other_sessions_ended',
  'refresh_token_reused',
  'key_published',
  'key_promoted',
  'key_retired',
  'keys_resealed',
  'audit_read',
] as const
export type EventName = (typeof eventNames)[number]

/** Who acts, and from where, as far as it is known. */
export interface Origin {
  /** `operator`: on the command line; `system`: an instance by itself; `anonymous`: nobody who has proven who they are. */
  actor: 'user' | 'operator' | 'system' | 'anonymous'
  actorId?: string
  /** The client's network, as `describeDevice()` has it. */
  addressPrefix?: string | null
  requestId?: string
}

/** When something happens, and by whom. */
export interface Circumstances {
  origin: Origin
  now: Date
}

export interface AuditEvent extends Circumstances {
  event: EventName
  outcome?: 'success' | 'failure'
  /** The account that it happened to. */
  subjectId?: string | undefined
  /** What else is worth knowing; never a secret, and never a name: accounts are known by their ids here. */
  details?: Record<string, unknown> | undefined
}
