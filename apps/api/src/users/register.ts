import { v7 as uuidv7 } from 'uuid'
import type { Circumstances } from '../audit/event.ts'
import type { PasswordHasher } from '../crypto/password.ts'
import type { UserQueries } from './queries.ts'
import { usernameKey } from './username.ts'

export interface Registration {
  username: string
  password: string
  birthday?: string | null | undefined
}

export interface RegisterDependencies extends Circumstances {
  queries: Pick<UserQueries, 'insert'>
  passwords: Pick<PasswordHasher, 'hash'>
  /** Aborts when the client has left. */
  signal?: AbortSignal
}

/** Creates an account; the database alone decides whether the name is free. */
export async function register(
  { queries, passwords, now, origin, signal }: RegisterDependencies,
  { username, password, birthday = null }: Registration,
): Promise<'created' | 'user_exists'> {
  const hash = await passwords.hash(password, signal)
  const row = { id: uuidv7(), username, usernameKey: usernameKey(username), password: hash, birthday }
  return (await queries.insert(row, { now, origin })) ? 'created' : 'user_exists'
}
