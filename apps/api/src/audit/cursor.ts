import { base64url } from 'jose'
import { parse, stringify, v7 as uuidv7 } from 'uuid'

/** Where a page ends, as clients hand it back: the id of its last event. They are not to read it. */
export const encodeCursor = (id: string): string => base64url.encode(parse(id))

/** The id in a cursor; undefined for anything but a cursor of ours in its one spelling. */
export function decodeCursor(text: string): string | undefined {
  if (!/^[\w-]{22}$/.test(text)) return undefined
  try {
    const id = stringify(base64url.decode(text))
    return encodeCursor(id) === text ? id : undefined
  } catch {
    return undefined // sixteen bytes, but no UUID
  }
}

/** The least id of an event at `time` or later: ids begin with their millisecond (RFC 9562 §5.7). */
export const firstIdAt = (time: Date): string =>
  uuidv7({ msecs: Math.max(0, time.getTime()), seq: 0, random: new Uint8Array(16) })

export interface Page<Row> {
  rows: Row[]
  /** Null on the last page. */
  nextCursor: string | null
}

/** A page of `rows`, of which one more than `limit` was asked for, and where the next one begins. */
export function cutPage<Row extends { id: string }>(rows: Row[], limit: number): Page<Row> {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { rows: page, nextCursor: last && rows.length > limit ? encodeCursor(last.id) : null }
}
