import type { PasswordHasher } from '../crypto/password.ts'
import type { Permit } from './counter.ts'

/**
 * `passwords`, but each comparison is counted by `take` before it is made: for good, unless the password is right.
 *
 * @param helps false where the right password is refused as a wrong one is: then it is also counted as one
 */
export function countingFailures(passwords: PasswordHasher, take: () => Promise<Permit>, helps = true): PasswordHasher {
  return {
    ...passwords,
    async verify(password, stored, signal) {
      const permit = await take()
      const verdict = await orGiveBack(permit, passwords.verify(password, stored, signal))
      if (verdict.matches && helps) await permit.giveBack()
      return verdict
    },
  }
}

/** `passwords`, but each hash is counted by `take` before it is made. */
export function countingHashes(passwords: PasswordHasher, take: () => Promise<Permit>): PasswordHasher {
  return {
    ...passwords,
    hash: async (password, signal) => orGiveBack(await take(), passwords.hash(password, signal)),
  }
}

/** What was never computed does not count. */
async function orGiveBack<T>(permit: Permit, computed: Promise<T>): Promise<T> {
  try {
    return await computed
  } catch (error) {
    await permit.giveBack()
    throw error
  }
}
