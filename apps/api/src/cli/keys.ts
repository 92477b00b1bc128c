import type { Command } from 'commander'
import { createVault } from '../crypto/secret.ts'
import { type KeyTools, listKeys, resealKeys, retireKey, rotateKeys } from '../keys/commands.ts'
import { createKeyQueries } from '../keys/queries.ts'
import { masterSecretsOf } from '../process/master-secret.ts'
import type { Shell } from './shell.ts'

/** `gatehouse keys …` */
export function addKeyCommands(program: Command, shell: Shell): void {
  const { print } = shell
  const keys = program.command('keys').description('the keys that sign access tokens').helpCommand(false)

  keys
    .command('list')
    .description('list all keys, the oldest first')
    .option('--json', 'as JSON')
    .action(({ json = false }: { json?: boolean }) => withKeys(shell, async (tools) => print(await listKeys(tools, { json }))))
  keys
    .command('rotate')
    .description('publish the next key; it takes over by itself once every verifier knows it')
    .option('--now', 'let it take over at once: for a key that leaked')
    .action(({ now = false }: { now?: boolean }) =>
      withKeys(shell, async (tools) => print(await rotateKeys(tools, { atOnce: now }))),
    )
  keys
    .command('retire <kid>')
    .description('refuse the tokens of a next or previous key from now on')
    .helpOption('--help')
    .allowUnknownOption() // a kid may begin with a hyphen
    .action((kid: string) => withKeys(shell, async (tools) => print(await retireKey(tools, kid))))
  keys
    .command('reseal')
    .description('seal all private keys again, under the newest GATEHOUSE_SECRET')
    .action(() => withKeys(shell, (tools) => reseal(tools, print)))
}

async function reseal(tools: KeyTools, print: Shell['print']): Promise<void> {
  const { resealed, unopened } = await resealKeys(tools)
  print(`${resealed.length === 1 ? '1 key is' : `${resealed.length} keys are`} sealed under the newest secret.`)
  if (unopened.length > 0) throw new Error(`no configured GATEHOUSE_SECRET opens ${unopened.join(', ')}`)
}

function withKeys(shell: Shell, act: (tools: KeyTools) => Promise<void>): Promise<void> {
  return shell.withDatabase(async (database, config) => {
    const vault = await createVault(masterSecretsOf(config))
    await act({ queries: createKeyQueries(database, 'operator'), vault, now: new Date() })
  })
}
