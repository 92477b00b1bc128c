import type { Circumstances } from '../audit/event.ts'
import type { AuditQueries } from '../audit/queries.ts'
import { inTime } from '../db/in-time.ts'
import type { ExportQueries } from './queries.ts'
import { viewExportedEvent } from './schema.ts'

/** Rows that are in memory at once. */
const batchSize = 500

/** Milliseconds that a batch may take. */
const patience = 10_000

export interface ExportDependencies extends Circumstances {
  queries: ExportQueries
  audit: Pick<AuditQueries, 'record'>
}

/** Pieces of the JSON that holds everything about an account; undefined where it is no more. Recorded before the first. */
export async function exportAccount(
  { queries, audit, origin, now }: ExportDependencies,
  userId: string,
): Promise<AsyncGenerator<string> | undefined> {
  const account = await queries.findAccount(userId)
  if (!account) return undefined
  const password_reset = (await queries.findPasswordReset(userId)) ?? null
  const imports = await queries.listImports(userId)
  await audit.record({ event: 'user_exported', origin, subjectId: userId, now })
  return write(queries, userId, { export_time: now, account, password_reset, imports })
}

async function* write(queries: ExportQueries, id: string, head: object): AsyncGenerator<string> {
  yield JSON.stringify(head).slice(0, -1)
  yield* writeList('known_networks', (after?: { address_prefix: string }) => queries.listNetworks(id, batchSize, after))
  yield* writeList('sessions', (after?: { id: string }) => queries.listSessions(id, batchSize, after))
  const listEvents = (after?: { id: string }) => queries.listEvents(id, batchSize, after)
  yield* writeList('events', listEvents, (event) => viewExportedEvent(event, id))
  yield '}'
}

/** One more member, read and written batch by batch. */
async function* writeList<Row extends object>(
  name: string,
  read: (after?: Row) => Promise<Row[]>,
  view: (row: Row) => object = (row) => row,
): AsyncGenerator<string> {
  yield `,"${name}":[`
  let last: Row | undefined
  for (;;) {
    const rows: Row[] = await inTime(read(last), patience)
    const text = rows.map((row) => JSON.stringify(view(row))).join(',')
    if (text !== '') yield last === undefined ? text : `,${text}`
    last = rows.at(-1)
    if (rows.length < batchSize) break
  }
  yield ']'
}
