import { sql } from 'drizzle-orm'
import {
  bigint,
  check,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'

/** An instant with millisecond precision, read and written as a `Date`. */
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' })

/** One row per account. Invariants are described in `docs/storage.md`. */
export const users = pgTable(
  'users',
  {
    id: uuid('id').primaryKey(),
    /** As the owner typed it, in NFC. */
    username: text('username').notNull(),
    /** What makes a name unique: case-folded NFKC of `username`. Compared by bytes (collation "C"), so a prefix is a range. */
    usernameKey: text('username_key').notNull(),
    /** A PHC string; never leaves the server. */
    password: text('password').notNull(),
    /** When the password was last changed; null while it is the first one. */
    passwordChangeTime: instant('password_change_time'),
    birthday: date('birthday', { mode: 'string' }),
    role: text('role', { enum: ['user', 'admin'] })
      .notNull()
      .default('user'),
    createTime: instant('create_time').notNull(),
    lastLogin: instant('last_login'),
    disabledAt: instant('disabled_at'),
  },
  (table) => [
    uniqueIndex('users_username_key').on(table.usernameKey),
    // For lists of the few among many.
    index('users_administrators')
      .on(table.usernameKey)
      .where(sql`${table.role} = 'admin'`),
    index('users_disabled')
      .on(table.usernameKey)
      .where(sql`${table.disabledAt} is not null`),
    check('users_role', sql`${table.role} in ('user', 'admin')`),
  ],
)

/**
 * One row per session that lives or has expired unnoticed. Ending one deletes its row; triggers end those of an account
 * that is deleted or disabled, or whose password or role changes, and log every ended one in `ended_sessions`.
 */
export const sessions = pgTable(
  'sessions',
  {
    /** `sid` of its tokens. */
    id: uuid('id').primaryKey(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** Which refresh token is the valid one; the tokens themselves are derived. */
    generation: integer('generation').notNull().default(0),
    /** When `generation` last moved. */
    rotateTime: instant('rotate_time').notNull(),
    /** When the password was proven. */
    createTime: instant('create_time').notNull(),
    lastUsed: instant('last_used').notNull(),
    /** The earlier of the idle and the absolute deadline. */
    expireTime: instant('expire_time').notNull(),
    userAgent: text('user_agent'),
    /** The client's network: its address without the part that names the host. */
    addressPrefix: text('address_prefix'),
  },
  (table) => [index('sessions_user_id').on(table.userId), index('sessions_expire_time').on(table.expireTime)],
)

/** For the `where` of a change of an account: tells the trigger which session stays, one or `all`. Always true. */
export const keeping = (sessionId: string) => sql`set_config('gatehouse.kept_session', ${sessionId}, true) is not null`

/** What the revocation feed reads: sessions that ended while access tokens of theirs may be alive. */
export const endedSessions = pgTable(
  'ended_sessions',
  {
    sessionId: uuid('session_id').primaryKey(),
    /** By the database's clock. */
    endTime: instant('end_time').notNull().defaultNow(),
    /** The transaction that ended it: what was not yet committed at one reading is found by the next. */
    transactionId: bigint('transaction_id', { mode: 'bigint' }).notNull(),
  },
  (table) => [index('ended_sessions_transaction_id').on(table.transactionId), index('ended_sessions_end_time').on(table.endTime)],
)

/** The JSON Web Key members that may be published (RFC 7517). */
export interface PublicJwk {
  kty: string
  crv: string
  x: string
  y: string
}

/** The keys that sign access tokens. Private halves are sealed under the master secret. */
export const signingKeys = pgTable(
  'signing_keys',
  {
    kid: text('kid').primaryKey(),
    state: text('state', { enum: ['next', 'current', 'previous', 'retired'] }).notNull(),
    publicJwk: jsonb('public_jwk').$type<PublicJwk>().notNull(),
    /** PKCS #8 under AES-256-GCM, see `keys/signing-key.ts`. */
    sealedPrivateKey: text('sealed_private_key').notNull(),
    /** When it was published. */
    createTime: instant('create_time').notNull(),
    /** When it came into its present state. */
    stateTime: instant('state_time').notNull(),
  },
  (table) => [
    uniqueIndex('signing_keys_one_current')
      .on(table.state)
      .where(sql`${table.state} = 'current'`),
    check('signing_keys_state_known', sql`${table.state} in ('next', 'current', 'previous', 'retired')`),
  ],
)

/** Networks that an account has signed in from: a guesser elsewhere does not slow its owner there. */
export const knownNetworks = pgTable(
  'known_networks',
  {
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    addressPrefix: text('address_prefix').notNull(),
    lastSignIn: instant('last_sign_in').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.addressPrefix] }),
    index('known_networks_last_sign_in').on(table.lastSignIn),
  ],
)

/** How often something was tried of late; shared by all instances. */
export const rateLimits = pgTable(
  'rate_limits',
  {
    key: text('key').primaryKey(),
    points: integer('points').notNull(),
    expire: instant('expire'),
  },
  (table) => [index('rate_limits_expire').on(table.expire)],
)

/** The one reset code of an account that may be spent. A new password, however it is set, takes it away. */
export const passwordResets = pgTable('password_resets', {
  userId: uuid('user_id')
    .primaryKey()
    .references(() => users.id, { onDelete: 'cascade' }),
  /** SHA-256 of the code, which is random: it needs no slow hash. */
  codeHash: text('code_hash').notNull().unique(),
  createTime: instant('create_time').notNull(),
  expireTime: instant('expire_time').notNull(),
})

/** Which foreign account became which, so that an import can be resumed, and repeated. */
export const importedUsers = pgTable(
  'imported_users',
  {
    /** What the operator calls the system that it came from. */
    source: text('source').notNull(),
    /** The account's key there. */
    sourceKey: text('source_key').notNull(),
    /** Null once the account is deleted: it is not brought back. */
    userId: uuid('user_id').references(() => users.id, { onDelete: 'set null' }),
    importTime: instant('import_time').notNull(),
  },
  (table) => [primaryKey({ columns: [table.source, table.sourceKey] }), index('imported_users_user_id').on(table.userId)],
)

/** What happened, never changed afterwards. It names accounts by id only: a deleted one leaves no name. */
export const auditEvents = pgTable(
  'audit_events',
  {
    /** A UUID v7: the order of ids is the order of time. */
    id: uuid('id').primaryKey(),
    time: instant('time').notNull(),
    event: text('event').notNull(),
    outcome: text('outcome', { enum: ['success', 'failure'] }).notNull(),
    actor: text('actor', { enum: ['user', 'operator', 'system', 'anonymous'] }).notNull(),
    actorId: uuid('actor_id'),
    /** The account that it happened to, where it is about one. */
    subjectId: uuid('subject_id'),
    addressPrefix: text('address_prefix'),
    requestId: text('request_id'),
    details: jsonb('details').$type<Record<string, unknown>>(),
  },
  (table) => [
    index('audit_events_subject').on(table.subjectId, table.id),
    index('audit_events_actor').on(table.actorId, table.id),
    index('audit_events_event').on(table.event, table.id),
    index('audit_events_outcome_id').on(table.outcome, table.id),
    check('audit_events_outcome', sql`${table.outcome} in ('success', 'failure')`),
    check('audit_events_actor_known', sql`${table.actor} in ('user', 'operator', 'system', 'anonymous')`),
  ],
)
