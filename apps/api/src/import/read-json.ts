import type { SourceRecord } from './record.ts'
import { SourceProblem } from './source-problem.ts'

/** Characters. An array is read whole; of lines, one at a time. */
const maxArray = 2 ** 28
const maxLine = 2 ** 26

/** Reads a JSON array of accounts, or one account a line. */
export async function* readJson(text: AsyncIterable<string>): AsyncGenerator<SourceRecord> {
  const chunks = skipSpace(text)
  const { value: first = '', done } = await chunks.next()
  if (done) return
  const all = prepend(first, chunks)
  if (first.startsWith('[')) yield* readArray(all)
  else yield* readLines(all)
}

async function* readArray(chunks: AsyncIterable<string>): AsyncGenerator<SourceRecord> {
  let text = ''
  for await (const chunk of chunks) {
    text += chunk
    if (text.length > maxArray)
      throw new SourceProblem('the JSON array is too large to be read at once: write one account a line')
  }
  const parsed = parse(text)
  if (!Array.isArray(parsed)) throw new SourceProblem('the file is no valid JSON array')
  for (const [index, value] of parsed.entries()) yield toRecord(value, index + 1)
}

async function* readLines(chunks: AsyncIterable<string>): AsyncGenerator<SourceRecord> {
  let position = 0
  for await (const line of splitLines(chunks)) {
    if (line.trim() === '') continue
    position += 1
    const value = parse(line)
    yield value === undefined ? { position, unreadable: 'the line is no valid JSON' } : toRecord(value, position)
  }
}

function toRecord(value: unknown, position: number): SourceRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { position, unreadable: 'it is no JSON object' }
  const members = value as Record<string, unknown>
  const { username, password_hash: passwordHash, birthday, create_time: createTime, last_login: lastLogin, role } = members
  return { position, username, passwordHash, birthday, createTime, lastLogin, role }
}

/** Undefined for what is not JSON: the parser's message quotes the text. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let begun: string[] = []
  let length = 0
  for await (const chunk of chunks) {
    const [end = '', ...more] = chunk.split('\n')
    begun.push(end)
    length += end.length
    if (length > maxLine) throw new SourceProblem('a line of the file is too long')
    for (const next of more) {
      yield begun.join('')
      begun = [next]
      length = next.length
    }
  }
  yield begun.join('')
}

async function* skipSpace(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let begun = false
  for await (const chunk of chunks) {
    const text = begun ? chunk : chunk.trimStart()
    if (text === '') continue
    begun = true
    yield text
  }
}

async function* prepend(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first
  yield* rest
}
