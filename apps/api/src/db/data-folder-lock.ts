import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** Another process has the data folder. */
export class DataFolderLocked extends Error {
  override name = 'DataFolderLocked'
}

interface Owner {
  pid: number
  /** The host and its pid namespace, outside of which the pid says nothing: each container has its own. */
  where: string
  /** When the process started, in the kernel's ticks: tells a reused pid from the owner. Linux only. */
  started?: string
}

/** The owner touches its lock this often, so that a process that can't see its pid knows it lives. Milliseconds. */
const heartbeat = 3_000
/** A lock that nobody touched for this long is abandoned, where the pid can't tell. Milliseconds. */
const abandonedAfter = 10_000

/**
 * Takes the data folder for this process and returns how to give it back.
 * The lock of a process that no longer runs is taken over.
 *
 * The lock is a directory that holds one file, of a name used once, about its owner. A rename puts both there at once
 * or, where a file is, fails; and removing a dead owner's file, by its name, can't touch another's: two never both have it.
 */
export function lockDataFolder(folder: string): () => void {
  const lock = join(folder, 'lock')
  const name = crypto.randomUUID()
  const mine = mkdtempSync(`${lock}.`)
  try {
    writeFileSync(join(mine, name), JSON.stringify(identify(process.pid)))
    while (!moveTo(lock, mine)) evictDead(lock, folder)
  } catch (error) {
    rmSync(mine, { recursive: true, force: true })
    throw error
  }
  const mark = join(lock, name)
  const beating = setInterval(() => ignoring(['ENOENT'], () => utimesSync(mark, new Date(), new Date())), heartbeat)
  beating.unref()
  return () => {
    clearInterval(beating)
    rmSync(mark, { force: true })
    ignoring(['ENOENT', 'ENOTEMPTY', 'EEXIST'], () => rmdirSync(lock)) // the next owner may be in it already
  }
}

/** Whether `mine` is the lock now; false when somebody's mark is in it. */
function moveTo(lock: string, mine: string): boolean {
  return (
    ignoring(['ENOTEMPTY', 'EEXIST'], () => {
      renameSync(mine, lock) // rename(2) replaces an empty directory, and no other
      return true
    }) ?? false
  )
}

function evictDead(lock: string, folder: string): void {
  for (const name of ignoring(['ENOENT'], () => readdirSync(lock)) ?? []) {
    const mark = join(lock, name)
    const owner = read(mark)
    if (isHeld(mark, owner)) throw lockedError(folder, owner)
    rmSync(mark, { force: true })
  }
}

function lockedError(folder: string, owner: Owner | undefined): DataFolderLocked {
  const who = owner ? `process ${owner.pid}` : 'another process'
  return new DataFolderLocked(
    `The data folder ${folder} is in use by ${who}. Stop it, or set DATA_DIR to another folder, or set DATABASE_URL so that both share a PostgreSQL.`,
  )
}

/** Whether the mark belongs to a process that still runs. */
function isHeld(mark: string, owner: Owner | undefined): boolean {
  if (owner?.where === place) return isSame(identify(owner.pid), owner) && isRunning(owner.pid)
  // Of another container or host, or unreadable: only its age tells.
  const touched = statSync(mark, { throwIfNoEntry: false })?.mtimeMs
  return touched !== undefined && Date.now() - touched < abandonedAfter
}

function read(mark: string): Owner | undefined {
  try {
    const { pid, where, started }: Partial<Owner> = JSON.parse(readFileSync(mark, 'utf8'))
    if (typeof pid !== 'number' || typeof where !== 'string') return undefined
    return { pid, where, ...(started !== undefined && { started }) }
  } catch {
    return undefined
  }
}

function isSame(a: Owner, b: Owner): boolean {
  return a.pid === b.pid && a.where === b.where && a.started === b.started
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isOneOf(error, ['EPERM'])
  }
}

const place = `${hostname()} ${pidNamespace()}`

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return 'none'
  }
}

function identify(pid: number): Owner {
  try {
    // proc(5): the fields behind the command, which may hold spaces and brackets; starttime is the 22nd.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return { pid, where: place, ...(started !== undefined && { started }) }
  } catch {
    return { pid, where: place }
  }
}

/** What `action` returns, or undefined when it fails with one of `codes`. */
function ignoring<T>(codes: string[], action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (isOneOf(error, codes)) return undefined
    throw error
  }
}

function isOneOf(error: unknown, codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}
