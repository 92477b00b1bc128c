import { codeOf } from '../../db/database-error.ts'
import type { SourceDatabase } from '../../db/open-source.ts'
import { SourceProblem } from '../source-problem.ts'
import type { SourceRecord } from '../record.ts'

/** Accounts in one statement. */
const batchSize = 500

const columns = ['username', 'password', 'birthday', 'create_time', 'last_login'] as const

/** More of a password hash than any has: what is longer is refused as it is. */
const hashLength = 600

export type TutorialQueries = ReturnType<typeof createTutorialQueries>

/** The tutorial's table `users`, which SQLAlchemy made, in a database of its own. */
export function createTutorialQueries({ client }: Pick<SourceDatabase, 'client'>) {
  return {
    /** Throws a `SourceProblem` if it is not the tutorial's table. */
    async check(): Promise<void> {
      const [row] = await client<{ columns: string[] | null; key: string | null; encoding: string }[]>`
        select
          (select array_agg(attname::text) from pg_attribute
            where attrelid = to_regclass('users') and attnum > 0 and not attisdropped) as columns,
          (select string_agg(attname::text, ',') from pg_index join pg_attribute on attrelid = indrelid and attnum = any(indkey)
            where indrelid = to_regclass('users') and indisprimary) as key,
          current_setting('server_encoding') as encoding`
      const problem = row && problemOf(row)
      if (problem !== undefined) throw new SourceProblem(problem)
    },

    async count(): Promise<number> {
      const [row] = await client<{ count: string }[]>`select count(*) from users`
      return Number(row?.count)
    },

    /** All accounts in the order of their names, each batch by a statement of its own: nothing is kept from changing. */
    async *read(): AsyncGenerator<SourceRecord[]> {
      let after: string | undefined
      let position = 0
      for (;;) {
        const rows: Row[] = await readAfter(client, after)
        if (rows.length === 0) return
        yield rows.map((row) => {
          position += 1
          return { position, ...row }
        })
        after = rows.at(-1)?.username
      }
    },
  }
}

interface Row {
  username: string
  passwordHash: string | null
  birthday: string | null
  createTime: string | null
  lastLogin: string | null
}

/** As text: a driver's dates know neither infinity nor the years before Christ. */
function readAfter(client: SourceDatabase['client'], after: string | undefined): Promise<Row[]> {
  return client<Row[]>`
    select username, left(password, ${hashLength}) as "passwordHash", birthday::text,
      create_time::text as "createTime", last_login::text as "lastLogin"
    from users
    ${after === undefined ? client`` : client`where username > ${after}`}
    order by username
    limit ${batchSize}`.catch(explain)
}

function problemOf(table: { columns: string[] | null; key: string | null; encoding: string }): string | undefined {
  if (table.columns === null) return 'the database at --from has no table users'
  const missing = columns.filter((column) => !table.columns?.includes(column))
  if (missing.length > 0) return `the table users at --from lacks ${missing.join(', ')}`
  if (table.columns.includes('username_key')) return 'the database at --from is one of Gatehouse already'
  if (table.key !== 'username') return 'the primary key of the table users at --from is not username'
  if (table.encoding === 'SQL_ASCII') return 'the database at --from has the encoding SQL_ASCII: its names can’t be told apart'
  return undefined
}

/** A statement's error holds what it was asked with. */
function explain(error: unknown): never {
  throw new SourceProblem(`the accounts at --from can't be read (${codeOf(error) ?? 'no code'})`)
}
