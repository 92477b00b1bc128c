import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { StatementTimeout, codeOf } from './database-error.ts'
import { inTime } from './in-time.ts'
import { migrationsFolder } from './migrations.ts'
import type { Feed, OpenDatabase } from './open.ts'
import * as schema from './schema.ts'

export interface PostgresOptions {
  /** `postgres://…` */
  url: string
  /** Connections at most. */
  poolSize: number
  /** Whether statements are prepared by name; off behind PgBouncer before 1.21 in transaction mode. */
  prepare: boolean
}

/** Any number; one for all instances. */
const migrationLock = 7_483_920_115

/** Seconds. */
const timeouts = { connect: 5, idle: 60, lifetime: 30 * 60, reconnect: 0.25 }

/** Seconds that a start waits for a database that is itself starting. */
const patience = 30

/** Migrates the database and opens a pool on it. An unreachable one is tried again, after telling `onWait`, for 30 s. */
export async function openPostgres(options: PostgresOptions, onWait: (error: unknown) => void): Promise<OpenDatabase> {
  await migratePostgres(options, onWait)
  const client = connect(options, { max: options.poolSize, statementTimeout: 10_000 })
  const counting = connect(options, countingConnections)
  const closing = new AbortController()
  const feed = openFeed(options, closing.signal)
  return {
    db: drizzle(client, { schema }),
    counting: drizzle(counting, { schema }),
    feed,
    async close() {
      closing.abort()
      await Promise.all([client.end({ timeout: 5 }), counting.end({ timeout: 5 }), feed.end()])
    },
  }
}

/** One connection to the database as it is: nothing is migrated, and nothing tried again. */
export function inspectPostgres(options: PostgresOptions): Pick<OpenDatabase, 'db' | 'close'> {
  const client = connect(options, { max: 1, statementTimeout: 10_000 })
  return { db: drizzle(client, { schema }), close: () => client.end({ timeout: 5 }) }
}
/** Many attempts on one account wait for one row in turn. Commits don't wait for the disk: turns are short. */
const countingConnections = { max: 4, statementTimeout: 3_000, synchronousCommit: 'off' } as const

/** Milliseconds that the feed waits for an answer before it takes its connection for lost. */
const feedPatience = 2_000

/** Two connections: one reads, the other listens. */
function openFeed(options: PostgresOptions, closed: AbortSignal): Feed & { end(): Promise<void> } {
  const open = () => connect(options, { max: 1, statementTimeout: feedPatience })
  const openReader = () => {
    const client = open()
    return { client, db: drizzle(client, { schema }) }
  }
  let reader = openReader()
  let listener: ReturnType<typeof open> | undefined
  return {
    closed,

    async read(select) {
      const used = reader
      try {
        return await inTime(select(used.db), feedPatience)
      } catch (error) {
        if (error instanceof StatementTimeout && reader === used && !closed.aborted) {
          reader = openReader()
          void used.client.end({ timeout: 0 }).catch(() => undefined)
        }
        throw error
      }
    },

    listen(channel, heard) {
      if (closed.aborted) return
      void listener?.end({ timeout: 0 }).catch(() => undefined)
      listener = open()
      // Reconnected, it listens again by itself, and tells of it: something may have been missed.
      void listener.listen(channel, heard, heard).catch(() => undefined)
    },

    async end() {
      await Promise.all([reader.client.end({ timeout: 0 }), listener?.end({ timeout: 0 })])
    },
  }
}

/** Applies what is missing. Instances that start at once take turns. Waits for the database as `openPostgres` does. */
export async function migratePostgres(options: PostgresOptions, onWait: (error: unknown) => void): Promise<void> {
  const giveUpAt = performance.now() + patience * 1000
  for (;;) {
    const failure = await migrateOnce(options).catch((error: unknown) => ({ error }))
    if (!failure) return
    if (!isTransient(failure.error) || performance.now() > giveUpAt) throw explain(failure.error)
    onWait(failure.error)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function migrateOnce(options: PostgresOptions): Promise<void> {
  // A connection of its own, which may take its time: for the others' turn, and for a long migration.
  const client = connect(options, { max: 1, statementTimeout: 0 })
  try {
    await client`select pg_advisory_lock(${migrationLock})`
    await migrate(drizzle(client), { migrationsFolder })
  } finally {
    await client.end({ timeout: 5 }) // ends the session, and with it the lock
  }
}

interface ConnectionOptions {
  max: number
  /** Milliseconds; 0 for none. */
  statementTimeout: number
  /** Whether a commit waits until it is on disk. */
  synchronousCommit?: 'on' | 'off'
}

function connect({ url, prepare }: PostgresOptions, { max, statementTimeout, synchronousCommit }: ConnectionOptions) {
  return postgres(url, {
    max,
    prepare,
    connect_timeout: timeouts.connect,
    idle_timeout: timeouts.idle,
    max_lifetime: timeouts.lifetime,
    backoff: () => timeouts.reconnect,
    fetch_types: false,
    onnotice: () => undefined,
    connection: {
      application_name: 'gatehouse',
      // What the server writes must not depend on how it was set up.
      DateStyle: 'ISO',
      TimeZone: 'UTC',
      statement_timeout: statementTimeout,
      ...(synchronousCommit && { synchronous_commit: synchronousCommit }),
    },
  })
}

/** Not listening yet, or starting up, or short of connections. */
function isTransient(error: unknown): boolean {
  return /^(?:ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|CONNECT|57P0|53|08)/.test(codeOf(error) ?? '')
}

/** What an operator needs to know, without the URL: it holds a password. */
function explain(error: unknown): Error {
  const reason = error instanceof Error ? error.message : 'unknown error'
  return new Error(`PostgreSQL at DATABASE_URL can't be used (${codeOf(error) ?? 'no code'}): ${reason}`)
}
