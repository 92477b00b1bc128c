import type { IsBreached } from './breached-passwords.ts'
import { countCodePoints, usernameKey } from './username.ts'

/** The longest password, in code points of its NFKC form. */
export const passwordMaxLength = 256

/** Whether a normalized password has an acceptable length, in code points. */
export function hasAcceptableLength(password: string, minLength: number): boolean {
  const length = countCodePoints(password)
  return length >= minLength && length <= passwordMaxLength
}

/** Why a new password of an account won't do; undefined where it does. Only who passes the list here is looked for elsewhere. */
export async function objectionTo(password: string, username: string, isBreached: IsBreached): Promise<string | undefined> {
  if (await isGuessable(password, username)) return 'must not be a common password or the username'
  return (await isBreached(password)) ? 'must not be a password that is known from data breaches' : undefined
}

/** Whether a normalized password is among the common ones or is the username in any spelling. */
export async function isGuessable(password: string, username: string): Promise<boolean> {
  if (usernameKey(password) === usernameKey(username)) return true
  commonPasswords ??= loadCommonPasswords()
  return (await commonPasswords).has(password.toLowerCase())
}

let commonPasswords: Promise<Set<string>> | undefined

/** Read at the first need, 25 ms once, so that starting costs nothing. */
async function loadCommonPasswords(): Promise<Set<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  return new Set(dictionary['passwords-common'].map(String))
}
