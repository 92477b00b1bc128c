import { pino } from 'pino'
import pretty from 'pino-pretty'
import type { Config } from './config.ts'

export type Logger = ReturnType<typeof createLogger>

/** One JSON line per event on standard output, or a readable form where that is a terminal. */
export function createLogger({ logLevel }: Pick<Config, 'logLevel'>, isTerminal: boolean) {
  if (isTerminal) return pino({ level: logLevel, base: null }, pretty({ sync: true, ignore: 'request_id' }))
  const timestamp = pino.stdTimeFunctions.isoTime
  const formatters = { level: (label: string) => ({ level: label }) }
  // Lines are gathered for up to a quarter of a second: a write per request would cost more than many requests do.
  const standardOutput = pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 250 })
  return pino({ level: logLevel, base: null, timestamp, formatters }, standardOutput)
}
