import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inBatches } from './batches.ts'
import { decodeText } from './decode-text.ts'
import { readCsv } from './read-csv.ts'
import { readJson } from './read-json.ts'
import type { SourceRecord } from './record.ts'
import { SourceProblem } from './source-problem.ts'

/** The bytes of `text`, so many at a time: as they may come through a pipe. */
async function* pieces(text: string | Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  for (let i = 0; i < bytes.length; i += size) yield bytes.slice(i, i + size)
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = []
  for await (const item of items) gathered.push(item)
  return gathered
}

const ignored: string[] = []
const json = (text: string | Uint8Array, size?: number) => all(readJson(decodeText(pieces(text, size))))
const csv = (text: string | Uint8Array, size?: number) =>
  all(readCsv(decodeText(pieces(text, size)), (columns) => ignored.push(...columns)))

const ada = { username: 'ada', password_hash: 'x', birthday: '1815-12-10', email: 'no part of an account' }
const grace = { username: 'Gräce 🦊', password_hash: 'y', role: 'admin', create_time: 'c', last_login: 'l' }
const asRecord = ({ password_hash: passwordHash, ...rest }: Record<string, unknown>, position: number): SourceRecord => ({
  position,
  username: rest['username'],
  passwordHash,
  birthday: rest['birthday'],
  createTime: rest['create_time'],
  lastLogin: rest['last_login'],
  role: rest['role'],
})
const both = [asRecord(ada, 1), asRecord(grace, 2)]

describe('readJson() reads', () => {
  test.each<[string, string]>([
    ['an array', JSON.stringify([ada, grace])],
    ['an array on many lines, after space', `\n\n  ${JSON.stringify([ada, grace], null, 2)}\n`],
    ['lines', `${JSON.stringify(ada)}\n${JSON.stringify(grace)}\n`],
    ['lines, the last of them without an end, and empty ones', `\n${JSON.stringify(ada)}\r\n\r\n   \n${JSON.stringify(grace)}`],
    ['what begins with a byte order mark', `\uFEFF${JSON.stringify([ada, grace])}`],
  ])('%s', async (_name, text) => {
    for (const size of [1, 7, 65_536]) expect(await json(text, size)).toEqual(both)
  })

  test.each(['', ' \n\n', '[]', '[\n]'])('%j as no account', async (text) => {
    expect(await json(text)).toEqual([])
  })
})

test('readJson() tells of every record that it can’t read, and goes on', async () => {
  const lines = ['{"username": "a"', '7', 'null', '["ada"]', '"ada"', JSON.stringify(ada)]
  expect(await json(lines.join('\n'))).toEqual([
    { position: 1, unreadable: 'the line is no valid JSON' },
    ...[2, 3, 4, 5].map((position) => ({ position, unreadable: 'it is no JSON object' })),
    asRecord(ada, 6),
  ])
  expect(await json(JSON.stringify([null, [], ada]))).toEqual([
    ...[1, 2].map((position) => ({ position, unreadable: 'it is no JSON object' })),
    asRecord(ada, 3),
  ])
})

test('readJson() takes a prototype for nothing special', async () => {
  const [record] = await json('[{"__proto__": {"role": "admin"}, "username": "ada"}]')
  expect(record).toEqual(asRecord({ username: 'ada' }, 1))
})

describe('readCsv() reads', () => {
  test.each<[string, string]>([
    ['fields in any order', 'role,username,password_hash\nadmin,ada,x\n,"gräce","y, z"\n'],
    [
      'quoted fields, and lines that end in any way',
      '"role","username","password_hash"\r\n"admin","ada","x"\r\n\r\n"","gräce","y, z"',
    ],
    ['a byte order mark, and space in the header', '\uFEFF role , username,password_hash\nadmin,ada,x\n,gräce,"y, z"'],
  ])('%s', async (_name, text) => {
    for (const size of [1, 7, 65_536]) {
      expect(await csv(text, size)).toEqual([
        asRecord({ role: 'admin', username: 'ada', password_hash: 'x' }, 1),
        asRecord({ role: '', username: 'gräce', password_hash: 'y, z' }, 2),
      ])
    }
  })
})

test('readCsv() tells of columns that it ignores, and of rows with more or fewer fields', async () => {
  expect(await csv('username,email,password_hash\nada,x\nbob,b@x,h\ncarl,c@x,h,more\n')).toEqual([
    { position: 1, unreadable: 'it has not as many fields as the header' },
    asRecord({ username: 'bob', password_hash: 'h' }, 2),
    { position: 3, unreadable: 'it has not as many fields as the header' },
  ])
  expect(ignored).toEqual(['email'])
})

describe('a file that can’t be read on is told of in one sentence that holds nothing of it:', () => {
  const hash = 'secret'
  test.each<[string, () => Promise<unknown>]>([
    ['an array that ends early', () => json(`[{"password_hash": "${hash}"}`)],
    ['CSV without a name', () => csv(`user,password_hash\nada,${hash}`)],
    ['CSV without a hash', () => csv(`username,${hash}\nada,x`)],
    ['CSV with a column twice', () => csv(`username,password_hash,username\nada,${hash},bob`)],
    ['CSV with an open quote', () => csv(`username,password_hash\nada,"${hash}\nbob,x\n`)],
    ['CSV with a stray quote', () => csv(`username,password_hash\nada,"${hash}"x\n`)],
    [
      'JSON in Latin-1',
      () => json(Uint8Array.from(Buffer.from(`[{"username": "Gräce", "password_hash": "${hash}"}]`, 'latin1'))),
    ],
    ['CSV in Latin-1', () => csv(Uint8Array.from(Buffer.from(`username,password_hash\nGräce,${hash}`, 'latin1')))],
    ['a character that ends early', () => json(Uint8Array.of(0x5b, 0x5d, 0xc3))],
  ])('%s', async (_name, read) => {
    const problem = await read().then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(problem).toBeInstanceOf(SourceProblem)
    expect((problem as Error).message).not.toContain(hash)
    expect((problem as Error).message).toMatch(/^[^\n.]+$/)
  })
})

test('readJson() and readCsv() read any text that a name may be', async () => {
  const names = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(names, async (texts) => {
      const lines = texts.map((username) => JSON.stringify({ username })).join('\n')
      expect((await json(lines)).map(({ username }) => username)).toEqual(texts)
      const rows = texts.map((username) => `"${username.replaceAll('"', '""')}",x`).join('\n')
      expect((await csv(`username,password_hash\n${rows}`)).map(({ username }) => username)).toEqual(texts)
    }),
  )
})

test('inBatches() gathers, and ends at once when it is told to, also while nothing comes', async () => {
  const stop = new AbortController()
  const numbers = async function* () {
    yield* [1, 2, 3, 4, 5]
    await new Promise(() => undefined)
  }
  const batches: number[][] = []
  for await (const batch of inBatches(numbers(), 2, stop.signal)) {
    batches.push(batch)
    if (batches.length === 2) setTimeout(() => stop.abort())
  }
  expect(batches).toEqual([
    [1, 2],
    [3, 4],
  ])
})
