import { type StoredHash, readStoredHash } from '../crypto/stored-hash.ts'
import { parseBirthday } from '../users/birthday.ts'
import { NewUsername } from '../users/schema.ts'
import { isStorable, usernameKey } from '../users/username.ts'
import { parseInstant } from './instant.ts'

/** One account of another system as it was found. Nothing about it is trusted. */
export interface SourceRecord {
  /** Its place in the source, from 1. */
  position: number
  /** Why it can't be read at all. */
  unreadable?: string
  username?: unknown
  passwordHash?: unknown
  birthday?: unknown
  createTime?: unknown
  lastLogin?: unknown
  role?: unknown
}

/** An account that may come over. */
export interface Candidate {
  position: number
  /** Its name as the source has it. */
  sourceKey: string
  username: string
  usernameKey: string
  hash: { digest: string } | { stored: string }
  birthday: string | null
  /** Null where the source doesn't know. */
  createTime: Date | null
  lastLogin: Date | null
  role: 'user' | 'admin'
  notes: Note[]
}

/** What came over otherwise than it was. */
export type Note = 'create_time_unknown' | 'role_ignored'

/** Why an account is left behind. Codes are stable; the message is for people. */
export interface Reason {
  code: ReasonCode
  message: string
}

export type ReasonCode =
  | 'record_unreadable'
  | 'username_missing'
  | 'username_invalid'
  | 'password_hash_missing'
  | 'birthday_invalid'
  | 'create_time_invalid'
  | 'last_login_invalid'
  | 'role_invalid'
  | 'username_taken'
  | 'duplicate'
  | Exclude<ReturnType<typeof readStoredHash>, StoredHash>

export type Judged = { candidate: Candidate } | { reasons: Reason[] }

/** What is to become of an account, by itself: every reason against it, or what it would be here. */
export function judgeRecord(record: SourceRecord, options: { allowRoles: boolean }): Judged {
  if (record.unreadable !== undefined) return { reasons: [{ code: 'record_unreadable', message: record.unreadable }] }
  const reasons: Reason[] = []
  const note = <T>(read: T | Reason): T | undefined => {
    if (!isReason(read)) return read
    reasons.push(read)
    return undefined
  }
  const name = note(readName(record.username))
  const hash = note(readHash(record.passwordHash))
  const birthday = note(readBirthday(record.birthday))
  const createTime = note(readInstant(record.createTime, 'create_time'))
  const lastLogin = note(readInstant(record.lastLogin, 'last_login'))
  const role = note(options.allowRoles ? readRole(record.role) : 'user')
  if (!name || !hash || birthday === undefined || createTime === undefined || lastLogin === undefined || !role) return { reasons }
  const notes: Note[] = [
    ...(createTime === null ? (['create_time_unknown'] as const) : []),
    ...(!options.allowRoles && isRoleLost(record.role) ? (['role_ignored'] as const) : []),
  ]
  return { candidate: { position: record.position, ...name, hash, birthday, createTime, lastLogin, role, notes } }
}

function readName(value: unknown): Pick<Candidate, 'sourceKey' | 'username' | 'usernameKey'> | Reason {
  if (isAbsent(value)) return { code: 'username_missing', message: 'there is no username' }
  if (typeof value !== 'string') return { code: 'username_invalid', message: 'the username is no text' }
  const parsed = NewUsername.safeParse(value)
  if (!parsed.success || !isStorable(value)) {
    const why = parsed.error?.issues[0]?.message ?? 'must be well-formed Unicode'
    return { code: 'username_invalid', message: `the username ${why}` }
  }
  return { sourceKey: value, username: parsed.data, usernameKey: usernameKey(parsed.data) }
}

const hexDigest = /^[\da-f]{64}$/i

const hashMessages = {
  unknown_hash: 'the password hash is of no known scheme, nor a SHA-256 digest of 64 hexadecimal digits',
  malformed_hash: 'the password hash is malformed',
  hash_too_costly: 'the password hash asks for more time or memory than is granted',
}

/** Only what is a hash, and can be compared with: never a password by mistake. */
function readHash(value: unknown): Candidate['hash'] | Reason {
  if (isAbsent(value)) return { code: 'password_hash_missing', message: 'there is no password hash' }
  if (typeof value !== 'string') return { code: 'malformed_hash', message: 'the password hash is no text' }
  if (hexDigest.test(value)) return { digest: value }
  const read = readStoredHash(value)
  return typeof read === 'string' ? { code: read, message: hashMessages[read] } : { stored: value }
}

function readBirthday(value: unknown): string | null | Reason {
  if (isAbsent(value)) return null
  const day = typeof value === 'string' ? parseBirthday(value) : undefined
  return day ?? { code: 'birthday_invalid', message: 'the birthday is no day of the years 0001 to 9999' }
}

function readInstant(value: unknown, name: 'create_time' | 'last_login'): Date | null | Reason {
  if (isAbsent(value)) return null
  const time = typeof value === 'string' ? parseInstant(value) : undefined
  return time ?? { code: `${name}_invalid`, message: `${name} is no time of the years 1970 to 9999` }
}

function readRole(value: unknown): 'user' | 'admin' | Reason {
  if (isAbsent(value)) return 'user'
  return value === 'user' || value === 'admin' ? value : { code: 'role_invalid', message: 'the role is neither user nor admin' }
}

const isRoleLost = (value: unknown) => !isAbsent(value) && value !== 'user'

const isAbsent = (value: unknown) => value === undefined || value === null || value === ''

const isReason = (value: unknown): value is Reason => typeof value === 'object' && value !== null && 'code' in value
