import { type Logger, pino } from 'pino'
import type { Config } from '../config.ts'

/** A logger, and how to write out at once what it has gathered. */
export interface ProcessLog {
  logger: Logger
  flush(): void
}

/** One JSON line per event on standard output, or a readable form where that is a terminal. */
export async function createLogger({ logLevel }: Pick<Config, 'logLevel'>, isTerminal: boolean): Promise<ProcessLog> {
  if (isTerminal) {
    const { default: pretty } = await import('pino-pretty')
    return { logger: pino({ level: logLevel, base: null }, pretty({ sync: true, ignore: 'request_id' })), flush: () => undefined }
  }
  const timestamp = pino.stdTimeFunctions.isoTime
  const formatters = { level: (label: string) => ({ level: label }) }
  // Lines are gathered for up to a quarter of a second: a write per request would cost more than many requests do.
  const standardOutput = pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 250 })
  const logger = pino({ level: logLevel, base: null, timestamp, formatters }, standardOutput)
  return { logger, flush: () => flushInto(standardOutput) }
}

function flushInto(standardOutput: ReturnType<typeof pino.destination>): void {
  try {
    standardOutput.flushSync()
  } catch {
    standardOutput.destroy() // nobody reads it any more: what is left must not be tried again at the exit
  }
}
