import { countCodePoints, usernameKey } from './username.ts'

/** The longest password, in code points of its NFKC form. */
export const passwordMaxLength = 256

/** Whether a normalized password has an acceptable length, in code points. */
export function hasAcceptableLength(password: string, minLength: number): boolean {
  const length = countCodePoints(password)
  return length >= minLength && length <= passwordMaxLength
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
