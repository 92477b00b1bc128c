import { base64url } from 'jose'
import { isStorable, usernameKey } from '../users/username.ts'

/** Where a page ended, for the next one to go on from: opaque to clients. */
export function writeCursor(lastKey: string): string {
  return base64url.encode(lastKey)
}

/** The key that a cursor holds, or undefined where `writeCursor()` made no such cursor. */
export function readCursor(cursor: string): string | undefined {
  const key = decode(cursor)
  const isKey = key !== undefined && key !== '' && isStorable(key) && usernameKey(key) === key
  return isKey && writeCursor(key) === cursor ? key : undefined
}

function decode(cursor: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(base64url.decode(cursor))
  } catch {
    return undefined // no base64, or no UTF-8
  }
}
