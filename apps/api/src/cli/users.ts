import type { Command } from 'commander'
import { pickArgon2id } from '../crypto/argon2.ts'
import { createPasswordHasher } from '../crypto/password.ts'
import {
  type Outcome,
  type UserTools,
  createAdministrator,
  readNewAdministrator,
  resetPasswordOf,
  setAccount,
} from '../operators/commands.ts'
import { createOperatorQueries } from '../operators/queries.ts'
import { createPasswordResetQueries } from '../password-resets/queries.ts'
import { breachCheckAt } from '../users/breached-passwords.ts'
import { createUserQueries } from '../users/queries.ts'
import type { Shell } from './shell.ts'

interface Options {
  json?: boolean
  passwordStdin?: boolean
}

/** `gatehouse users …` */
export function addUserCommands(program: Command, shell: Shell): void {
  const users = program.command('users').description('accounts, and who administers them').helpCommand(false)
  const command = (name: string, description: string) =>
    users.command(`${name} <username>`).description(description).option('--json', 'answer as JSON')
  const act = (options: Options, run: (tools: UserTools) => Promise<Outcome>) => withUsers(shell, options, run)

  command('create-admin', 'make an account of an administrator')
    .option('--password-stdin', 'read its password from standard input; otherwise a reset code is printed')
    .action(async (username: string, options: Options) => {
      const password = options.passwordStdin ? await readPassword(shell) : undefined
      const { settings } = shell.config()
      const account = await readNewAdministrator({ username, password }, settings, breachCheckOf(shell))
      await act(options, (tools) => createAdministrator(tools, account))
    })
  command('promote', 'make an account that of an administrator').action((username: string, options: Options) =>
    act(options, (tools) => setAccount(tools, username, { role: 'admin' })),
  )
  command('demote', 'make an administrator’s account one like others').action((username: string, options: Options) =>
    act(options, (tools) => setAccount(tools, username, { role: 'user' })),
  )
  command('disable', 'end an account’s sessions, and let it open no others').action((username: string, options: Options) =>
    act(options, (tools) => setAccount(tools, username, { disabled: true })),
  )
  command('enable', 'undo disable').action((username: string, options: Options) =>
    act(options, (tools) => setAccount(tools, username, { disabled: false })),
  )
  command('reset-password', 'print a code that sets a new password once')
    .option('--password-stdin', 'set the one that is read from standard input instead')
    .action(async (username: string, options: Options) => {
      const password = options.passwordStdin ? await readPassword(shell) : undefined
      await act(options, (tools) => resetPasswordOf(tools, username, password))
    })
}

const breachCheckOf = ({ config, log }: Shell) =>
  breachCheckAt(config().settings.breachedPasswordsUrl, { clock: () => new Date(), log })

/** A password as `echo` and editors write it: a line. */
async function readPassword({ readInput }: Shell): Promise<string> {
  return (await readInput()).replace(/\r?\n$/, '')
}

function withUsers(shell: Shell, { json }: Options, run: (tools: UserTools) => Promise<Outcome>): Promise<void> {
  return shell.withDatabase(async ({ db }, { settings }) => {
    const { argon2id } = await pickArgon2id()
    const { view, text } = await run({
      users: createUserQueries(db),
      resets: createPasswordResetQueries(db),
      operators: createOperatorQueries(db),
      passwords: createPasswordHasher({ argon2id, concurrency: () => 1, queueLimit: 1 }),
      isBreached: breachCheckOf(shell),
      settings,
      now: new Date(),
    })
    shell.print(json ? JSON.stringify(view, null, 2) : text)
  })
}
