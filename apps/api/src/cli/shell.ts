import type { Command } from 'commander'
import type { Config } from '../config.ts'
import type { Log } from '../context.ts'
import type { OpenDatabase } from '../db/open.ts'

/** What commands have of the process that they run in. */
export interface Shell {
  /** Opens the configured database for `act`, and closes it whatever happens. */
  withDatabase(act: (database: OpenDatabase, config: Config) => Promise<void>): Promise<void>
  /** The parsed environment. */
  config(): Config
  /** All of standard input, as text. */
  readInput(): Promise<string>
  print(text: string): void
  /** What goes wrong beside, for standard error. */
  log: Log
}

/** Adds a noun, with what can be done about it, to the program. */
export type Noun = (program: Command, shell: Shell) => void
