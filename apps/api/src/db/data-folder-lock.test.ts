import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Interface, createInterface } from 'node:readline'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { DataFolderLocked, lockDataFolder } from './data-folder-lock.ts'

/**
 * Another process, told what to do by lines: `lock FOLDER STEP` stops before the STEPth call to the file system until
 * the next line comes (-1: never), `race START GAP FOLDERS` locks each folder at its time, `unlock FOLDER` gives it back.
 * Everything in it is synchronous, so that it does nothing else while it is stopped.
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
  let countdown = -1
  for (const name of Object.keys(fs).filter((key) => key.endsWith('Sync'))) {
    const real = fs[name]
    fs[name] = (...args) => {
      if (countdown >= 0 && countdown-- === 0) say('stopped'), hear()
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
      countdown = -1
    }
  }
  const wait = (until) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(0, until - Date.now()))
  say('ready')
  for (;;) {
    const [verb, ...args] = hear()
    if (verb === 'lock') {
      countdown = Number(args[1])
      say(lock(args[0]))
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

  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGKILL')
    await ended
  }
}

const others: Other[] = []
const folders: string[] = []

async function startOthers<Count extends number>(count: Count): Promise<Other[]> {
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

/** Leaves what a process that is gone would have left. */
const leaveLock = (folder: string, owner: object | string, file = 'lock') =>
  writeFileSync(join(folder, file), typeof owner === 'string' ? owner : JSON.stringify(owner))

const gone = { pid: 2 ** 22 + 1, started: '1' } // beyond the largest pid of Linux

afterEach(() => Promise.all(others.splice(0).map((other) => other.kill())))
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

test('lockDataFolder() refuses what another process holds, and says who and what to do', async () => {
  const folder = newFolder()
  const other = await startOther()
  expect(await other.tell(`lock ${folder} -1`)).toBe('won')
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
    expect(await other.tell(`lock ${folder} -1`)).toBe('won')
    await other.kill()
    const unlock = lockDataFolder(folder)
    expect(await (await startOther()).tell(`lock ${folder} -1`)).toBe('refused')
    unlock()
    expect(readdirSync(folder)).toEqual([])
  })

  test.each<[string, object]>([
    ['a pid that no process has', gone],
    ['a pid that another process has by now', { pid: process.ppid, started: '1' }],
    ['its own pid, of an earlier life', { pid: process.pid, started: '1' }],
  ])('%s', async (_name, owner) => {
    const folder = newFolder()
    leaveLock(folder, owner)
    const unlock = lockDataFolder(folder)
    expect(await (await startOther()).tell(`lock ${folder} -1`)).toBe('refused')
    unlock()
    expect(readdirSync(folder)).toEqual([])
  })

  test.each(['', '{', '[]', 'null', '{"pid":"7"}', '\0\0\0\0'])(
    'nobody, once a lock that reads %j has been there for a while',
    (text) => {
      const folder = newFolder()
      leaveLock(folder, text)
      expect(() => lockDataFolder(folder)).toThrow(/is in use by another process\. .* DATA_DIR .* DATABASE_URL/) // just being written
      const earlier = new Date(Date.now() - 60_000)
      utimesSync(join(folder, 'lock'), earlier, earlier)
      lockDataFolder(folder)()
      expect(existsSync(join(folder, 'lock'))).toBe(false)
    },
  )
})

test('giving back a lock that somebody else has by now leaves it alone', () => {
  const folder = newFolder()
  const unlock = lockDataFolder(folder)
  leaveLock(folder, gone) // after, say, the folder was restored from a copy
  unlock()
  expect(JSON.parse(readFileSync(join(folder, 'lock'), 'utf8'))).toEqual(gone)
})

describe('two processes never both have the folder, wherever the first is interrupted by', () => {
  const before: [string, (folder: string) => void][] = [
    ['a second one', () => undefined],
    ['a second one, over a stale lock', (folder) => leaveLock(folder, gone)],
    [
      'a second one, over a stale lock that was being taken over',
      (folder) => {
        leaveLock(folder, gone)
        leaveLock(folder, gone, 'lock.claim')
      },
    ],
  ]

  /** Locks with the first process, which stops before each of its calls to the file system in turn while `meanwhile` happens. */
  async function interrupt(first: Other, prepare: (folder: string) => unknown, meanwhile: (folder: string) => Promise<string>) {
    for (let step = 0; step < 100; step += 1) {
      const folder = newFolder()
      await prepare(folder)
      const answer = await first.tell(`lock ${folder} ${step}`)
      if (answer !== 'stopped') return step
      const second = await meanwhile(folder)
      const outcomes = [await first.tell('go on'), second]
      expect(outcomes, `stopped before call ${step}`).toBeOneOf([
        ['won', 'refused'],
        ['refused', 'won'],
        ['refused', 'refused'],
      ])
    }
    throw new Error('it never ends')
  }

  test.each(before)('%s', async (_name, prepare) => {
    const [first, second] = await startOthers(2)
    if (!first || !second) throw new Error('two were started')
    expect(await interrupt(first, prepare, (folder) => second.tell(`lock ${folder} -1`))).toBeGreaterThan(0)
  })

  test('the owner that gives the lock back and a third one that takes it', async () => {
    const [first, owner, third] = await startOthers(3)
    if (!first || !owner || !third) throw new Error('three were started')
    const steps = await interrupt(
      first,
      (folder) => owner.tell(`lock ${folder} -1`),
      async (folder) => {
        await owner.tell(`unlock ${folder}`)
        return third.tell(`lock ${folder} -1`)
      },
    )
    expect(steps).toBeGreaterThan(0)
  })
})

test('of 20 processes that race for a stale lock exactly one wins, in each of 100 races', async () => {
  const racers = await startOthers(20)
  const tracks = Array.from({ length: 100 }, newFolder)
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
