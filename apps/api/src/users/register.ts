import { v7 as uuidv7 } from 'uuid'
import type { PasswordHasher } from '../crypto/password.ts'
import type { UserQueries } from './queries.ts'
import { usernameKey } from './username.ts'

export interface Registration {
  username: string
  password: string
  birthday?: string | null | undefined
}

/** Creates an account; the database alone decides whether the name is free. */
export async function register(
  { queries, passwords, now, signal }: { queries: UserQueries; passwords: PasswordHasher; now: Date; signal?: AbortSignal },
  { username, password, birthday = null }: Registration,
): Promise<'created' | 'user_exists'> {
  const hash = await passwords.hash(password, signal)
  const row = { id: uuidv7(), username, usernameKey: usernameKey(username), password: hash, birthday }
  return (await queries.insert(row, now)) ? 'created' : 'user_exists'
}
