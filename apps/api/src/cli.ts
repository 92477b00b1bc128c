#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { parseConfig } from './config.ts'
import { createVault } from './crypto/secret.ts'
import { type KeyTools, listKeys, resealKeys, retireKey, rotateKeys } from './keys/commands.ts'
import { createKeyQueries } from './keys/queries.ts'
import { fail } from './process/fail.ts'
import { addImportCommand } from './process/import-command.ts'
import { masterSecretsOf } from './process/master-secret.ts'
import { openDatabase } from './process/open-database.ts'

/** `gatehouse keys …`: works on the database that the environment names, beside running servers or without. */
async function main(): Promise<void> {
  const program = new Command('gatehouse')
    .description('Looks after a Gatehouse installation. The settings are those of the server.')
    .helpCommand(false)
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => undefined }) // told in one sentence, below
    .exitOverride()
  const keys = program.command('keys').description('the keys that sign access tokens').helpCommand(false)

  keys
    .command('list')
    .description('list all keys, the oldest first')
    .option('--json', 'as JSON')
    .action(({ json = false }: { json?: boolean }) => withKeys(async (tools) => print(await listKeys(tools, { json }))))
  keys
    .command('rotate')
    .description('publish the next key; it takes over by itself once every verifier knows it')
    .option('--now', 'let it take over at once: for a key that leaked')
    .action(({ now = false }: { now?: boolean }) => withKeys(async (tools) => print(await rotateKeys(tools, { atOnce: now }))))
  keys
    .command('retire <kid>')
    .description('refuse the tokens of a next or previous key from now on')
    .helpOption('--help')
    .allowUnknownOption() // a kid may begin with a hyphen
    .action((kid: string) => withKeys(async (tools) => print(await retireKey(tools, kid))))
  keys
    .command('reseal')
    .description('seal all private keys again, under the newest GATEHOUSE_SECRET')
    .action(() => withKeys(reseal))

  addImportCommand(program, { config: () => parseConfig(process.env) })

  await program.parseAsync()
}

async function reseal(tools: KeyTools): Promise<void> {
  const { resealed, unopened } = await resealKeys(tools)
  print(`${resealed.length === 1 ? '1 key is' : `${resealed.length} keys are`} sealed under the newest secret.`)
  if (unopened.length > 0) throw new Error(`no configured GATEHOUSE_SECRET opens ${unopened.join(', ')}`)
}

async function withKeys(act: (tools: KeyTools) => Promise<void>): Promise<void> {
  const config = parseConfig(process.env)
  const say = (_fields: object, message: string) => void process.stderr.write(`gatehouse: ${message}\n`)
  const database = await openDatabase(config, { info: () => undefined, warn: say, error: say })
  try {
    const vault = await createVault(masterSecretsOf(config))
    await act({ queries: createKeyQueries(database), vault, now: new Date() })
  } finally {
    await database.close()
  }
}

const print = (text: string) => void process.stdout.write(`${text}\n`)

/** Help was asked for, or the line was not understood. */
function endUsage({ code, exitCode, message }: CommanderError): void {
  if (exitCode === 0) return
  const problem = code === 'commander.help' ? 'say what to do' : message.replace(/^error: /, '')
  process.stderr.write(`gatehouse: ${problem}; --help tells the commands and their options\n`)
  process.exitCode = 2
}

await main().catch((error: unknown) => (error instanceof CommanderError ? endUsage(error) : fail(error)))
