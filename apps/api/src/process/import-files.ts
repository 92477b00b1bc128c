import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { codeOf } from '../db/database-error.ts'

/** The bytes of a file, or of standard input for `-`. */
export async function* readBytes(file: string): AsyncGenerator<Uint8Array> {
  const stream: AsyncIterable<Uint8Array> = file === '-' ? process.stdin : createReadStream(file)
  try {
    yield* stream
  } catch (error) {
    throw new Error(`${file} can't be read (${codeOf(error) ?? 'no code'})`, { cause: error })
  }
}

/** A file of lines, for its owner alone: it holds names. What it held before is lost; what is written is there at once. */
export function createReportFile(file: string): { write(line: string): void; close(): void } {
  const descriptor = open(file)
  return { write: (line) => void writeSync(descriptor, `${line}\n`), close: () => closeSync(descriptor) }
}

function open(file: string): number {
  try {
    return openSync(file, 'w', 0o600)
  } catch (error) {
    throw new Error(`the report can't be written to ${file} (${codeOf(error) ?? 'no code'})`, { cause: error })
  }
}
