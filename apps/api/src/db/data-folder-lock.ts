import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Another process has the data folder. */
export class DataFolderLocked extends Error {
  override name = 'DataFolderLocked'
}

interface Owner {
  pid: number
  /** When the process started, in the kernel's ticks: tells a reused pid from the owner. Linux only. */
  started?: string
}

/** A lock file that can't be read is being written, unless it is older than this. Milliseconds. */
const writingTime = 5_000

/**
 * Takes the data folder for this process and returns how to give it back.
 * The lock of a process that no longer runs is taken over.
 */
export function lockDataFolder(folder: string): () => void {
  const path = join(folder, 'lock')
  const self = identify(process.pid)
  if (!create(path, self)) takeOver(path, self, folder)
  return () => {
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

/** Whether the file belongs to a process that still runs, or is just being written. */
function isHeld(path: string): boolean {
  const owner = read(path)
  if (owner) return isSame(identify(owner.pid), owner) && isRunning(owner.pid)
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  return written !== undefined && Date.now() - written < writingTime
}

function read(path: string): Owner | undefined {
  try {
    const { pid, started }: Partial<Owner> = JSON.parse(readFileSync(path, 'utf8'))
    return typeof pid === 'number' ? { pid, ...(started !== undefined && { started }) } : undefined
  } catch {
    return undefined
  }
}

function isSame(a: Owner | undefined, b: Owner): boolean {
  return a?.pid === b.pid && a.started === b.started
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function identify(pid: number): Owner {
  try {
    // proc(5): the fields behind the command, which may hold spaces and brackets; starttime is the 22nd.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return { pid, ...(started !== undefined && { started }) }
  } catch {
    return { pid }
  }
}
