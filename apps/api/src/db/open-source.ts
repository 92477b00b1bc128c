import postgres from 'postgres'
import { codeOf } from './database-error.ts'

/** A PostgreSQL database that is only read. */
export interface SourceDatabase {
  client: postgres.Sql
  close(): Promise<void>
}

/** Milliseconds. */
const statementTimeout = 60_000

/** Opens the database that `from` names, for reading alone: a statement that would write is an error there. */
export async function openSource(from: string): Promise<SourceDatabase> {
  const client = connect(from, { default_transaction_read_only: true })
  try {
    await client`select 1`
  } catch (error) {
    await client.end({ timeout: 0 })
    throw explain(error)
  }
  return { client, close: () => client.end({ timeout: 5 }) }
}

/** Whether two URLs lead to one database, however they are written: what one connection locks, the other finds locked. */
export async function leadToOneDatabase(one: string, other: string): Promise<boolean> {
  const [holder, asker] = [connect(one, {}), connect(other, {})]
  const key = crypto.getRandomValues(new Int32Array(1))[0] ?? 0
  try {
    return await holder.begin(async (held) => {
      await held`select pg_advisory_xact_lock(${key})`
      const [row] = await asker.begin('read only', (asked) => asked`select pg_try_advisory_xact_lock(${key}) as free`)
      return row?.['free'] === false
    })
  } catch {
    return false // whoever opens the one that can't be reached says so
  } finally {
    await Promise.all([holder, asker].map((client) => client.end({ timeout: 1 })))
  }
}

function connect(url: string, settings: { default_transaction_read_only?: boolean }) {
  return postgres(url, {
    max: 1,
    connect_timeout: 5,
    fetch_types: false,
    onnotice: () => undefined,
    connection: {
      application_name: 'gatehouse import',
      DateStyle: 'ISO',
      TimeZone: 'UTC',
      statement_timeout: statementTimeout,
      ...settings,
    },
  })
}

/** What an operator needs to know, without the URL: it holds a password. */
function explain(error: unknown): Error {
  const reason = error instanceof Error ? error.message : 'unknown error'
  return new Error(`PostgreSQL at --from can't be used (${codeOf(error) ?? 'no code'}): ${reason}`)
}
