import { inTime } from './in-time.ts'

/** Statements of one kind under way at once: the next is sent while one is being answered. */
const statementsAtOnce = 2

/** Keys in one statement at most. */
const batchLimit = 256

/** Milliseconds for which a statement may hold its place. On a connection that is silently gone it would for ever. */
const patience = 10_000

/** One statement to come: the keys asked for, and who waits for their rows. */
interface Batch<Key, Row> {
  keys: Set<Key>
  rows: Promise<ReadonlyMap<Key, Row>>
  send(): void
}

/**
 * Reads rows by a unique key. A key is asked for at once while few statements are under way; the keys
 * that come meanwhile share the next one, so that under load a row costs a fraction of a round trip.
 * What is read is never older than the call that asked for it.
 *
 * @param select resolves with the rows there are, in any order
 */
export function createBatchReader<Key, Row>(
  select: (keys: Key[]) => Promise<Row[]>,
  keyOf: (row: Row) => Key,
): (key: Key) => Promise<Row | undefined> {
  let running = 0
  let waiting: Batch<Key, Row>[] = []

  async function run(keys: Set<Key>): Promise<ReadonlyMap<Key, Row>> {
    running += 1
    try {
      const rows = await inTime(select([...keys]), patience)
      return new Map(rows.map((row) => [keyOf(row), row]))
    } finally {
      running -= 1
      const [next, ...rest] = waiting
      waiting = rest
      next?.send()
    }
  }

  function gather(key: Key): Batch<Key, Row> {
    const last = waiting.at(-1)
    if (last && last.keys.size < batchLimit) {
      last.keys.add(key)
      return last
    }
    const { promise, resolve } = Promise.withResolvers<ReadonlyMap<Key, Row>>()
    const keys = new Set([key])
    const batch = { keys, rows: promise, send: () => resolve(run(keys)) }
    waiting.push(batch)
    return batch
  }

  return async (key) => {
    const rows = await (running < statementsAtOnce ? run(new Set([key])) : gather(key).rows)
    return rows.get(key)
  }
}
