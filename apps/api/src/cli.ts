#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { addDoctor } from './cli/doctor.ts'
import { addImportCommands } from './cli/import.ts'
import { addKeyCommands } from './cli/keys.ts'
import type { Noun, Shell } from './cli/shell.ts'
import { addUserCommands } from './cli/users.ts'
import { parseConfig } from './config.ts'
import type { Log } from './context.ts'
import { fail } from './process/fail.ts'
import { openDatabase } from './process/open-database.ts'

const nouns: readonly Noun[] = [addUserCommands, addKeyCommands, addImportCommands, addDoctor]

/** `gatehouse <noun> …`: works on what the environment names, beside running servers or without. */
async function main(): Promise<void> {
  const program = new Command('gatehouse')
    .description('Looks after a Gatehouse installation. The settings are those of the server.')
    .helpCommand(false)
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => undefined }) // told in one sentence, below
    .exitOverride()
  for (const add of nouns) add(program, shell)
  await program.parseAsync()
}

const say = (_fields: object, message: string) => void process.stderr.write(`gatehouse: ${message}\n`)
const log: Log = { info: () => undefined, warn: say, error: say }

const shell: Shell = {
  log,
  config: () => parseConfig(process.env),
  print: (text) => void process.stdout.write(`${text}\n`),

  async withDatabase(act) {
    const config = parseConfig(process.env)
    const database = await openDatabase(config, log)
    try {
      await act(database, config)
    } finally {
      await database.close()
    }
  },

  async readInput() {
    const chunks: Uint8Array[] = []
    for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array)
    return new TextDecoder().decode(Buffer.concat(chunks))
  },
}

/** Help was asked for, or the line was not understood. */
function endUsage({ code, exitCode, message }: CommanderError): void {
  if (exitCode === 0) return
  const problem = code === 'commander.help' ? 'say what to do' : message.replace(/^error: /, '')
  process.stderr.write(`gatehouse: ${problem}; --help tells the commands and their options\n`)
  process.exitCode = 2
}

await main().catch((error: unknown) => (error instanceof CommanderError ? endUsage(error) : fail(error)))
