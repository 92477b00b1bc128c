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

/** Characters gathered before they are written. */
const gathered = 65_536

/** A file of lines, for its owner alone: it holds names. What it held before is lost. */
export function createReportFile(file: string): { write(line: string): void; close(): void } {
  const descriptor = open(file)
  let text = ''
  const flush = () => {
    if (text !== '') writeSync(descriptor, text)
    text = ''
  }
  return {
    write(line) {
      text += `${line}\n`
      if (text.length >= gathered) flush()
    },
    close() {
      flush()
      closeSync(descriptor)
    },
  }
}

function open(file: string): number {
  try {
    return openSync(file, 'w', 0o600)
  } catch (error) {
    throw new Error(`the report can't be written to ${file} (${codeOf(error) ?? 'no code'})`, { cause: error })
  }
}
