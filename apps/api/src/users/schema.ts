import { z } from 'zod'
import { normalizePassword } from '../crypto/password.ts'
import { parseBirthday } from './birthday.ts'
import type { IsBreached } from './breached-passwords.ts'
import { hasAcceptableLength, objectionTo, passwordMaxLength } from './password-policy.ts'
import type { Caller } from '../keys/access-token.ts'
import type { Changed } from './change.ts'
import type { Account } from './queries.ts'
import { countCodePoints, isStorable, isUsername, usernameMaxLength } from './username.ts'

/**
 * Text of at most so many characters once normalized. It is bounded before: normalizing takes quadratic time on marks
 * in the wrong order, and no character decomposes into more than six UTF-16 units.
 */
const text = (maxLength: number) =>
  z
    .string()
    .refine((value) => value.length <= 6 * maxLength, { error: `must have at most ${maxLength} characters`, abort: true })
    .refine(isStorable, { error: 'must be well-formed Unicode without NUL or U+FFFD', abort: true })

/** A name to look up: whatever could have been registered, and anything else of its length. */
export const Username = text(usernameMaxLength)
  .transform((name) => name.normalize('NFC'))
  .refine((name) => name !== '' && countCodePoints(name) <= usernameMaxLength, {
    error: `must have 1 to ${usernameMaxLength} characters`,
    abort: true,
  })
  .meta({ minLength: 1, maxLength: usernameMaxLength, examples: ['ada'] })

/** A name to register. */
export const NewUsername = Username.refine(isUsername, {
  error: 'must hold no spaces, control, invisible or unassigned characters',
}).meta({ minLength: 1, maxLength: usernameMaxLength, examples: ['ada'] })

const examplePassword = 'correct horse battery'
const exampleOfLength = (minLength: number) => examplePassword.padEnd(minLength, ' staple')

/** A password to compare with a stored one, as it was typed: what another system hashed was not normalized. */
export const Password = text(passwordMaxLength)
  .refine((password) => hasAcceptableLength(normalizePassword(password), 1), {
    error: `must have 1 to ${passwordMaxLength} characters`,
  })
  .meta({ minLength: 1, maxLength: passwordMaxLength, format: 'password', examples: [examplePassword] })

/** A password to set. */
export const newPassword = (minLength: number) =>
  text(passwordMaxLength)
    .transform(normalizePassword)
    .refine((password) => hasAcceptableLength(password, minLength), {
      error: `must have ${minLength} to ${passwordMaxLength} characters`,
      abort: true,
    })
    .meta({
      minLength,
      maxLength: passwordMaxLength,
      format: 'password',
      examples: [exampleOfLength(minLength)],
    })

export const Birthday = text(64)
  .transform((value, context) => {
    const day = parseBirthday(value)
    if (day !== undefined) return day
    context.addIssue({
      code: 'custom',
      message: 'must be a date (YYYY-MM-DD) or an ISO 8601 date-time of the years 0001 to 9999',
    })
    return z.NEVER
  })
  .meta({ description: 'A date, or an ISO 8601 date-time of which the calendar day is taken.', examples: ['1815-12-10'] })

type WithPassword = { username: string; password?: string | null | undefined }

/** Looks at a new password once all else is right. */
function refuseGuessable(isBreached: IsBreached) {
  return async function refuseGuessable({ username, password }: WithPassword, context: z.RefinementCtx): Promise<void> {
    const message = password == null ? undefined : await objectionTo(password, username, isBreached)
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['password'], message })
  }
}

/** The request bodies that set a password, whose least length is configurable. */
export function userBodies(passwordMinLength: number, isBreached: IsBreached) {
  const password = newPassword(passwordMinLength)
  return {
    NewUser: z
      .object({ username: NewUsername, password, birthday: Birthday.nullish() })
      .superRefine(refuseGuessable(isBreached))
      .meta({ id: 'NewUser' }),

    /** `username` names the account to change; what is absent or null stays as it is. */
    UserChange: z
      .object({
        username: Username,
        password: password.nullish(),
        birthday: Birthday.nullish(),
        role: z.enum(['user', 'admin']).nullish().meta({ description: 'For administrators. Ends the account’s sessions.' }),
        disabled: z.boolean().nullish().meta({ description: 'For administrators. `true` ends the account’s sessions.' }),
        current_password: Password.nullish(),
      })
      .superRefine(refuseGuessable(isBreached))
      .meta({ id: 'UserChange', examples: [exampleChange(passwordMinLength)] }),
  }
}

/** What anybody may change: a form is filled with it. */
const exampleChange = (passwordMinLength: number) => ({
  username: 'ada',
  password: exampleOfLength(passwordMinLength),
  birthday: '1815-12-10',
  current_password: examplePassword,
})

export const UserQuery = z.object({ username: Username }).meta({ id: 'UserQuery' })

export const UserDeletion = z.object({ username: Username, current_password: Password.optional() }).meta({ id: 'UserDeletion' })

export const Message = <Text extends string>(message: Text) => z.object({ message: z.literal(message) })

export const userUpdated = 'User updated successfully'

export const UserChanged = z
  .object({
    message: z.literal(userUpdated),
    sessions_ended: z
      .int()
      .nonnegative()
      .optional()
      .meta({ description: 'How many sessions of the account it ended, where there were any.' }),
  })
  .meta({ id: 'UserChanged', examples: [{ message: userUpdated, sessions_ended: 2 }] })

/** Clients that know the message alone see nothing else, unless there is something to say. */
export function viewChange({ sessionsEnded }: Changed): z.output<typeof UserChanged> {
  return { message: userUpdated, ...(sessionsEnded > 0 && { sessions_ended: sessionsEnded }) }
}

/** What the public may see of an account; a stranger sees null for the private members. */
export const UserView = z
  .object({
    username: z.string(),
    birthday: z.iso.date().nullable(),
    create_time: z.iso.datetime(),
    last_login: z.iso.datetime().nullable(),
  })
  .meta({
    id: 'User',
    examples: [
      {
        username: 'ada',
        birthday: '1815-12-10',
        create_time: '2026-01-02T03:04:05.678Z',
        last_login: '2026-01-02T03:05:00.000Z',
      },
    ],
  })
export type UserView = z.output<typeof UserView>

export const CurrentUser = z
  .object({ id: z.uuid(), username: z.string(), role: z.enum(['user', 'admin']) })
  .meta({ id: 'CurrentUser', examples: [{ id: '019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42', username: 'ada', role: 'user' }] })
export type CurrentUser = z.output<typeof CurrentUser>

/** The view of `account` that `viewer` may have. */
export function viewUser(account: Account, viewer: Pick<Caller, 'userId' | 'role'>): UserView {
  const full = account.id === viewer.userId || viewer.role === 'admin'
  return {
    username: account.username,
    birthday: full ? account.birthday : null,
    create_time: account.createTime.toISOString(),
    last_login: full ? (account.lastLogin?.toISOString() ?? null) : null,
  }
}
