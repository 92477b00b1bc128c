import { sql } from 'drizzle-orm'
import { bigint, check, date, index, integer, jsonb, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core'

/** An instant with millisecond precision, read and written as a `Date`. */
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' })

/** One row per account. Invariants are described in `docs/storage.md`. */
export const users = pgTable(
  'users',
  {
    id: uuid('id').primaryKey(),
    /** As the owner typed it, in NFC. */
    username: text('username').notNull(),
    /** What makes a name unique: case-folded NFKC of `username`. */
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
