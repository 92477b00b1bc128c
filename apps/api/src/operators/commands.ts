import { v7 as uuidv7 } from 'uuid'
import { type PasswordHasher, noPassword } from '../crypto/password.ts'
import { codeLifetime } from '../password-resets/code.ts'
import { newReset } from '../password-resets/issue.ts'
import type { PasswordResetQueries } from '../password-resets/queries.ts'
import { Refusal } from '../refusal.ts'
import type { Settings } from '../resources.ts'
import type { IsBreached } from '../users/breached-passwords.ts'
import type { Account, UserQueries } from '../users/queries.ts'
import { NewUsername, userBodies } from '../users/schema.ts'
import { isUsername, usernameKey } from '../users/username.ts'
import type { OperatorQueries } from './queries.ts'

export interface UserTools {
  users: UserQueries
  resets: PasswordResetQueries
  operators: OperatorQueries
  passwords: PasswordHasher
  isBreached: IsBreached
  settings: Pick<Settings, 'issuer' | 'passwordMinLength'>
  now: Date
}

/** What a command tells: a program, and a person. */
export interface Outcome {
  view: Record<string, string | number | boolean>
  text: string
}

export interface NewAdministrator {
  /** As it is stored. */
  username: string
  /** Undefined where a reset code will set it. */
  password: string | undefined
}

const origin = { actor: 'operator' } as const

/** Holds name and password to what a registration has to keep to. */
export async function readNewAdministrator(
  { username, password }: NewAdministrator,
  { passwordMinLength }: Pick<Settings, 'passwordMinLength'>,
  isBreached: IsBreached,
): Promise<NewAdministrator> {
  if (password === undefined) {
    const name = NewUsername.safeParse(username)
    if (!name.success) throw refuse('username', name.error)
    return { username: name.data, password }
  }
  const account = await userBodies(passwordMinLength, isBreached).NewUser.safeParseAsync({ username, password })
  if (!account.success) throw refuse('username', account.error)
  return account.data
}

/** Makes the account. Without a password nobody can sign in to it until its reset code is spent. */
export async function createAdministrator(tools: UserTools, { username, password }: NewAdministrator): Promise<Outcome> {
  const { operators, passwords, now } = tools
  const { code, ...reset } = await newReset(now)
  const account = {
    id: uuidv7(),
    username,
    usernameKey: usernameKey(username),
    password: password === undefined ? noPassword : await passwords.hash(password),
    birthday: null,
  }
  const issued = password === undefined ? reset : undefined
  if (!(await operators.insertAdministrator(account, issued, { origin, now }))) {
    throw new Refusal(`There is an account ${username} already: users promote makes it an administrator's.`)
  }
  const view = { id: account.id, username, role: 'admin', disabled: false }
  const text = `${username} is an administrator.`
  return issued ? withCode(tools, { view, text }, code) : { view, text }
}

/** Sets the role of an account, or whether it is disabled. */
export async function setAccount(
  { users, now }: UserTools,
  username: string,
  change: { role: 'user' | 'admin' } | { disabled: boolean },
): Promise<Outcome> {
  const account = await find(users, username)
  const sessionsEnded = await users.update(account.id, change, 'operator', { origin, now })
  if (sessionsEnded === undefined) throw unknown(username)
  if (sessionsEnded === 'last_administrator') {
    throw new Refusal(`${account.username} is the last administrator: promote or create another first.`)
  }
  const { role, disabled } = { role: account.role, disabled: account.disabledAt !== null, ...change }
  const state = `${role === 'admin' ? 'an administrator' : 'no administrator'}, and ${disabled ? 'disabled' : 'enabled'}`
  return {
    view: { id: account.id, username: account.username, role, disabled, sessions_ended: sessionsEnded },
    text: `${account.username} is ${state}. Sessions ended: ${sessionsEnded}.`,
  }
}

/** Sets a password, or makes the code that does. */
export async function resetPasswordOf(tools: UserTools, username: string, password: string | undefined): Promise<Outcome> {
  const account = await find(tools.users, username)
  const view = { id: account.id, username: account.username }
  if (password !== undefined)
    return {
      view: { ...view, sessions_ended: await setPassword(tools, account, password) },
      text: `${account.username} has the new password.`,
    }
  const { code, ...reset } = await newReset(tools.now)
  const outcome = await tools.resets.issue(account.id, reset, 'operator', { origin, now: tools.now })
  if (outcome === undefined) throw unknown(username)
  if (outcome === 'account_disabled') throw new Refusal(`${account.username} is disabled: enable it first.`)
  return withCode(tools, { view, text: `${account.username} keeps its password until the code is spent.` }, code)
}

async function setPassword(
  { users, passwords, isBreached, settings, now }: UserTools,
  account: Account,
  password: string,
): Promise<number> {
  const { UserChange } = userBodies(settings.passwordMinLength, isBreached)
  const change = await UserChange.safeParseAsync({ username: account.username, password })
  if (!change.success) throw refuse('password', change.error)
  const hash = await passwords.hash(change.data.password ?? '')
  const sessionsEnded = await users.update(account.id, { password: hash }, 'operator', { origin, now })
  if (typeof sessionsEnded === 'number') return sessionsEnded
  throw unknown(account.username)
}

async function find(users: UserQueries, username: string): Promise<Account> {
  const account = await users.findByKey(usernameKey(username))
  if (!account) throw unknown(username)
  return account
}

/** A name that nobody can have is not repeated: it may hold anything. */
const unknown = (username: string) =>
  new Refusal(isUsername(username) ? `There is no account ${username}.` : 'There is no such account.')

function refuse(member: string, { issues: [issue] }: { issues: readonly { path: PropertyKey[]; message: string }[] }): Refusal {
  return new Refusal(`The ${String(issue?.path[0] ?? member)} ${issue?.message}.`)
}

function withCode({ settings }: UserTools, { view, text }: Outcome, code: string): Outcome {
  const lines = [
    text,
    `Its reset code, for one hour and a single use: ${code}`,
    'Whoever has the code sets the password:',
    `  curl ${settings.issuer}/password/reset -H 'Content-Type: application/json' -d '{"code": "${code}", "password": "…"}'`,
  ]
  return { view: { ...view, code, expires_in: codeLifetime }, text: lines.join('\n') }
}
