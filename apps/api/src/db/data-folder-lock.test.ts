import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Interface, createInterface } from 'node:readline'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { end } from '../../runtime-tests/postgres.ts'
import { DataFolderLocked, lockDataFolder } from './data-folder-lock.ts'

/**
 * Another process, told what to do by lines. `lock FOLDER STEP…` stops before these calls to the file system, counted
 * from 0, until the next line comes; `race START GAP FOLDER…` locks each folder at its time; `unlock FOLDER` gives it back.
 */
const script = `
  import fs from 'node:fs'
  import { syncBuiltinESMExports } from 'node:module'
  const { readSync, writeSync } = fs
  const say = (word) => writeSync(1, word + '\\n')
  let pending = ''
  function hear() {
    const chunk = Buffer.alloc(65536)
    while (!pending.includes('\\n')) pending += chunk.toString('utf8', 0, readSync(0, chunk) || process.exit(0))
    const end = pending.indexOf('\\n')
    const line = pending.slice(0, end)
    pending = pending.slice(end + 1)
    return line.split(' ')
  }
  let calls = 0
  let stops = []
  for (const name of Object.keys(fs).filter((key) => key.endsWith('Sync'))) {
    const real = fs[name]
    fs[name] = (...args) => {
      if (stops.includes(String(calls++))) say('stopped'), hear()
      return real(...args)
    }
  }
  syncBuiltinESMExports()
  const { lockDataFolder } = await import(${JSON.stringify(new URL('data-folder-lock.ts', import.meta.url).href)})
  const unlock = new Map()
  function lock(folder) {
    try {
      unlock.set(folder, lockDataFolder(folder))
      return 'won'
    } catch (error) {
      return error.name === 'DataFolderLocked' ? 'refused' : String(error)
    } finally {
      stops = []
    }
  }
  const wait = (until) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(0, until - Date.now()))
  say('ready')
  for (;;) {
    const [verb, ...args] = hear()
    if (verb === 'lock') {
      const [folder, ...steps] = args
      calls = 0
      stops = steps
      say(lock(folder))
    } else if (verb === 'unlock') {
      unlock.get(args[0])()
      say('unlocked')
    } else {
      const [start, gap, ...folders] = args
      say(folders.map((folder, round) => (wait(Number(start) + round * Number(gap)), lock(folder))).join())
    }
  }
`

class Other {
  readonly child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor() {
    this.child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    if (!this.child.stdout) throw new Error('stdout is a pipe')
    const lines: Interface = createInterface(this.child.stdout)
    this.#lines = lines[Symbol.asyncIterator]()
  }

  async answer(): Promise<string> {
    const { value } = await this.#lines.next()
    return String(value)
  }

  tell(line: string): Promise<string> {
    this.child.stdin?.write(`${line}\n`)
    return this.answer()
  }

  kill = () => end(this.child, 'SIGKILL')
}

const others: Other[] = []
const folders: string[] = []

async function startOthers(count: number): Promise<Other[]> {
  const started = Array.from({ length: count }, () => new Other())
  others.push(...started)
  await Promise.all(started.map((other) => other.answer()))
  return started
}

async function startOther(): Promise<Other> {
  const [other] = await startOthers(1)
  if (!other) throw new Error('one was started')
  return other
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-lock-'))
  folders.push(folder)
  return folder
}

const lockOf = (folder: string) => join(folder, 'lock')
/** The file that says whose the lock is. */
const markOf = (folder: string) => join(lockOf(folder), readdirSync(lockOf(folder))[0] ?? 'missing')

interface Owner {
  pid: number
  where: string
  started: string
}

/** What this process writes about itself. */
function ownMark(): Owner {
  const folder = newFolder()
  const unlock = lockDataFolder(folder)
  const mark = JSON.parse(readFileSync(markOf(folder), 'utf8')) as Owner
  unlock()
  return mark
}

const gone: Partial<Owner> = { pid: 2 ** 22 + 1, started: '1' } // beyond the largest pid of Linux

/** Leaves a lock as another process would have, one like this but for what is given. */
function leaveLock(folder: string, owner: Partial<Owner> | string): void {
  rmSync(lockOf(folder), { recursive: true, force: true })
  mkdirSync(lockOf(folder))
  const text = typeof owner === 'string' ? owner : JSON.stringify({ ...ownMark(), ...owner })
  writeFileSync(join(lockOf(folder), crypto.randomUUID()), text)
}

/** As if the lock had last been written or touched so long ago. */
function age(folder: string, seconds: number): void {
  const then = new Date(Date.now() - seconds * 1000)
  utimesSync(markOf(folder), then, then)
}

afterEach(() => Promise.all(others.splice(0).map((other) => other.kill())))
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

test('lockDataFolder() refuses what another process holds, and says who and what to do', async () => {
  const folder = newFolder()
  const other = await startOther()
  expect(await other.tell(`lock ${folder}`)).toBe('won')
  const attempt = () => lockDataFolder(folder)
  expect(attempt).toThrow(DataFolderLocked)
  expect(attempt).toThrow(
    `The data folder ${folder} is in use by process ${other.child.pid}. Stop it, or set DATA_DIR to another folder, or set DATABASE_URL`,
  )
  expect(await other.tell(`unlock ${folder}`)).toBe('unlocked')
  lockDataFolder(folder)()
})

test('lockDataFolder() refuses this process too, until it gave the lock back, and then leaves nothing behind', () => {
  const folder = newFolder()
  const unlock = lockDataFolder(folder)
  expect(() => lockDataFolder(folder)).toThrow(`is in use by process ${process.pid}.`)
  unlock()
  expect(readdirSync(folder)).toEqual([])
  const again = lockDataFolder(folder)
  again()
  again() // has no effect twice
  expect(readdirSync(folder)).toEqual([])
})

test('lockDataFolder() throws the system’s error where it can’t write, and not that the folder is in use', () => {
  expect(() => lockDataFolder(join(newFolder(), 'missing'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
})

describe('lockDataFolder() takes over the lock of', () => {
  test('a process that was killed', async () => {
    const folder = newFolder()
    const other = await startOther()
    expect(await other.tell(`lock ${folder}`)).toBe('won')
    await other.kill()
    const unlock = lockDataFolder(folder)
    expect(await (await startOther()).tell(`lock ${folder}`)).toBe('refused')
    unlock()
    expect(readdirSync(folder)).toEqual([])
  })

  test.each<[string, Partial<Owner>]>([
    ['a pid that no process has', gone],
    ['a pid that another process has by now', { pid: process.ppid, started: '1' }],
    ['its own pid, of an earlier life', { started: '1' }],
  ])('%s', async (_name, owner) => {
    const folder = newFolder()
    leaveLock(folder, owner)
    const unlock = lockDataFolder(folder)
    expect(await (await startOther()).tell(`lock ${folder}`)).toBe('refused')
    unlock()
    expect(readdirSync(folder)).toEqual([])
  })

  test.each<[string, Partial<Owner> | string]>([
    ['a container or a host that is elsewhere', { where: 'elsewhere' }],
    ['a process of elsewhere with a pid that nobody has here', { ...gone, where: 'elsewhere' }],
    ['nobody, being empty', ''],
    ['nobody, being half written', '{"pid":'],
    ['nobody, being no object', 'null'],
    ['nobody, being a list', '[]'],
    ['nobody, having no number', '{"pid":"7","where":"here"}'],
    ['nobody, being overwritten', '\0\0\0\0'],
  ])('%s, once nobody has touched it for 10 s', (_name, owner) => {
    vi.useFakeTimers({ toFake: ['Date'] }) // it stands, so that an age is what it is said to be
    try {
      const folder = newFolder()
      leaveLock(folder, owner)
      for (const seconds of [0, 9]) {
        age(folder, seconds)
        expect(() => lockDataFolder(folder)).toThrow(/is in use by (?:another )?process.*\. .* DATA_DIR .* DATABASE_URL/)
      }
      age(folder, 11)
      lockDataFolder(folder)()
      expect(readdirSync(folder)).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })
})

test('a lock that is held is touched every 3 s, until it is given back', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const folder = newFolder()
    const unlock = lockDataFolder(folder)
    age(folder, 3600)
    vi.advanceTimersByTime(2_999)
    expect(Date.now() - statSync(markOf(folder)).mtimeMs).toBeGreaterThan(3_500_000)
    vi.advanceTimersByTime(1)
    expect(Date.now() - statSync(markOf(folder)).mtimeMs).toBeLessThan(60_000)
    unlock()
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('a lock that somebody else has by now is neither touched nor taken away', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const folder = newFolder()
    const unlock = lockDataFolder(folder)
    leaveLock(folder, gone) // after, say, this process was stopped for a minute
    age(folder, 3600)
    vi.advanceTimersByTime(10_000)
    expect(Date.now() - statSync(markOf(folder)).mtimeMs).toBeGreaterThan(3_500_000)
    unlock()
    expect(JSON.parse(readFileSync(markOf(folder), 'utf8'))).toMatchObject(gone)
  } finally {
    vi.useRealTimers()
  }
})

describe('two processes never both have the folder,', () => {
  const atMostOne = [
    ['won', 'refused'],
    ['refused', 'won'],
    ['refused', 'refused'],
  ]

  test.each<[string, (folder: string) => void]>([
    ['a free one', () => undefined],
    ['one with a stale lock', (folder) => leaveLock(folder, gone)],
    ['one whose stale lock was cleared', (folder) => mkdirSync(lockOf(folder))],
  ])('%s, wherever both are interrupted', async (_name, prepare) => {
    const [first, second] = await startOthers(2)
    if (!first || !second) throw new Error('two were started')
    let cases = 0
    for (let i = 0, stopped = true; stopped; i += 1) {
      for (let j = 0, bothStopped = true; stopped && bothStopped; j += 1, cases += 1) {
        const folder = newFolder()
        prepare(folder)
        let one = await first.tell(`lock ${folder} ${i}`)
        let other = await second.tell(`lock ${folder} ${j}`)
        stopped = one === 'stopped'
        bothStopped = other === 'stopped'
        if (stopped) one = await first.tell('go on')
        if (bothStopped) other = await second.tell('go on')
        expect([one, other], `stopped before calls ${i} and ${j}`).toBeOneOf(atMostOne)
      }
    }
    expect(cases).toBeGreaterThan(1)
  })

  test('nor when its owner gives it back to a third one meanwhile', async () => {
    const [owner, first, third] = await startOthers(3)
    if (!owner || !first || !third) throw new Error('three were started')
    let cases = 0
    for (let i = 0, stopped = true; stopped; i += 1) {
      for (let j = i + 1, twice = true; stopped && twice; j += 1, cases += 1) {
        const folder = newFolder()
        await owner.tell(`lock ${folder}`)
        let one = await first.tell(`lock ${folder} ${i} ${j}`)
        stopped = one === 'stopped'
        await owner.tell(`unlock ${folder}`)
        if (stopped) one = await first.tell('go on')
        twice = one === 'stopped'
        const other = await third.tell(`lock ${folder}`)
        if (twice) one = await first.tell('go on')
        expect([one, other], `given back before call ${i}, taken before call ${j}`).toBeOneOf(atMostOne)
      }
    }
    expect(cases).toBeGreaterThan(1)
  })
})

test('of 20 processes that race for a stale lock exactly one wins, in each of 10 races', async () => {
  const racers = await startOthers(20)
  const tracks = Array.from({ length: 10 }, newFolder)
  for (const track of tracks) leaveLock(track, gone)
  const start = Date.now() + 200
  const results = await Promise.all(racers.map((racer) => racer.tell(`race ${start} 15 ${tracks.join(' ')}`)))
  const outcomes = results.map((line) => line.split(','))
  const expected = [...Array.from({ length: 19 }, () => 'refused'), 'won']
  for (const race of tracks.keys()) {
    expect(
      outcomes.map((line) => line[race] ?? '').toSorted((a, b) => a.localeCompare(b)),
      `race ${race}`,
    ).toEqual(expected)
  }
})
