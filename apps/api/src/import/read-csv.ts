import { CsvError, type Info, parse } from 'csv-parse/stream'
import type { SourceRecord } from './record.ts'
import { SourceProblem } from './source-problem.ts'

const columns = new Set(['username', 'password_hash', 'birthday', 'create_time', 'last_login', 'role'])

/** Characters. */
const maxRecord = 2 ** 26

/**
 * Reads accounts from CSV (RFC 4180) with a header.
 *
 * @param ignore hears of the columns that are no part of an account
 */
export async function* readCsv(text: AsyncIterable<string>, ignore: (columns: string[]) => void): AsyncGenerator<SourceRecord> {
  const parser = parse({
    columns: (header: string[]) => checkHeader(header, ignore),
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: maxRecord,
  })
  let position = 0
  try {
    const rows = ReadableStream.from(text).pipeThrough(new TextEncoderStream()).pipeThrough(parser)
    for await (const row of rows) {
      position += 1
      yield toRecord(row as Row, position)
    }
  } catch (error) {
    // Its message may quote the file.
    throw error instanceof CsvError
      ? new SourceProblem(`the CSV can't be read on after record ${position} (${error.code})`)
      : error
  }
}

interface Row {
  record: Record<string, string>
  info: Info & { error?: unknown }
}

function toRecord({ record, info }: Row, position: number): SourceRecord {
  if (info.error !== undefined) return { position, unreadable: 'it has not as many fields as the header' }
  const { username, password_hash: passwordHash, birthday, create_time: createTime, last_login: lastLogin, role } = record
  return { position, username, passwordHash, birthday, createTime, lastLogin, role }
}

function checkHeader(header: string[], ignore: (columns: string[]) => void): string[] {
  const names = header.map((name) => name.trim())
  const missing = ['username', 'password_hash'].filter((name) => !names.includes(name))
  if (missing.length > 0) throw new SourceProblem(`the header of the CSV lacks ${missing.join(' and ')}`)
  const twice = names.find((name, index) => columns.has(name) && names.indexOf(name) !== index)
  if (twice !== undefined) throw new SourceProblem(`the header of the CSV has ${twice} more than once`)
  const others = names.filter((name) => !columns.has(name))
  if (others.length > 0) ignore(others)
  return names
}
