import { readFileSync, readlinkSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
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
 */
export function lockDataFolder(folder: string): () => void {
  const path = join(folder, 'lock')
  const self = identify(process.pid)
  if (!create(path, self)) takeOver(path, self, folder)
  const beating = setInterval(() => touch(path, self), heartbeat)
  beating.unref()
  return () => {
    clearInterval(beating)
    if (isSame(read(path), self)) rmSync(path, { force: true })
  }
}

function takeOver(path: string, self: Owner, folder: string): void {
  // Whoever holds the claim, and nobody else, may replace a stale lock: two can't both take it over.
  const claim = `${path}.claim`
  if (!isHeld(claim)) rmSync(claim, { force: true })
  if (!create(claim, self)) throw lockedError(folder, read(claim))
  try {
    if (isHeld(path)) throw lockedError(folder, read(path))
    const fresh = `${path}.fresh`
    writeFileSync(fresh, JSON.stringify(self))
    renameSync(fresh, path)
  } finally {
    rmSync(claim, { force: true })
  }
}

function lockedError(folder: string, owner: Owner | undefined): DataFolderLocked {
  const who = owner ? `process ${owner.pid}` : 'another process'
  return new DataFolderLocked(
    `The data folder ${folder} is in use by ${who}. Stop it, or set DATA_DIR to another folder, or set DATABASE_URL so that both share a PostgreSQL.`,
  )
}

/** Creates the file for `owner`; false when there is one. */
function create(path: string, owner: Owner): boolean {
  try {
    writeFileSync(path, JSON.stringify(owner), { flag: 'wx' }) // O_CREAT | O_EXCL
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** Whether the file belongs to a process that still runs. */
function isHeld(path: string): boolean {
  const owner = read(path)
  if (owner?.where === place) return isSame(identify(owner.pid), owner) && isRunning(owner.pid)
  // Of another container or host, or just being written: only its age tells.
  const touched = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  return touched !== undefined && Date.now() - touched < abandonedAfter
}

function touch(path: string, self: Owner): void {
  try {
    if (isSame(read(path), self)) utimesSync(path, new Date(), new Date())
  } catch {
    // The folder was taken away from under a running process; that is not this file's to report.
  }
}

function read(path: string): Owner | undefined {
  try {
    const { pid, where, started }: Partial<Owner> = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof pid !== 'number' || typeof where !== 'string') return undefined
    return { pid, where, ...(started !== undefined && { started }) }
  } catch {
    return undefined
  }
}

function isSame(a: Owner | undefined, b: Owner): boolean {
  return a?.pid === b.pid && a.where === b.where && a.started === b.started
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
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
