import { sql } from 'drizzle-orm'
import { check, date, jsonb, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core'

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
    /** PKCS #8 under AES-256-GCM, see `keys/keyring.ts`. */
    sealedPrivateKey: text('sealed_private_key').notNull(),
    createTime: instant('create_time').notNull(),
  },
  (table) => [
    uniqueIndex('signing_keys_one_current')
      .on(table.state)
      .where(sql`${table.state} = 'current'`),
    check('signing_keys_state_known', sql`${table.state} in ('next', 'current', 'previous', 'retired')`),
  ],
)
