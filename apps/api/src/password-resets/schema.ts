import { z } from 'zod'
import { Message, Password, newPassword } from '../users/schema.ts'
import type { IssuedReset } from './issue.ts'

/** Any text: what can't be a username belongs to nobody. */
export const ResetPath = z.object({
  username: z.string().meta({ description: 'In any spelling that finds the account.', examples: ['ada'] }),
})

export const ResetRequest = z
  .object({ current_password: Password.nullish().meta({ description: 'The administrator’s own.' }) })
  .meta({ id: 'PasswordResetRequest', examples: [{}] })

const exampleCode = 'Zm9yIHRoZSBleGFtcGxlIG9ubHk3MTQy'

export const ResetCode = z
  .object({
    username: z.string(),
    code: z.string().meta({ description: 'Shown this once. For `POST /password/reset`, a single time.' }),
    expires_in: z.int().positive().meta({ description: 'Seconds.' }),
  })
  .meta({ id: 'PasswordResetCode', examples: [{ username: 'ada', code: exampleCode, expires_in: 3600 }] })

/** Any text may be sent as the code. */
export const PasswordReset = (passwordMinLength: number) =>
  z
    .object({
      code: z.string().meta({ description: 'As an administrator passed it on.', examples: [exampleCode] }),
      password: newPassword(passwordMinLength),
    })
    .meta({ id: 'PasswordReset' })

export const passwordReset = 'Password reset successfully'
export const PasswordWasReset = Message(passwordReset)

export const viewReset = ({ username, code, expiresIn }: IssuedReset) => ({ username, code, expires_in: expiresIn })
