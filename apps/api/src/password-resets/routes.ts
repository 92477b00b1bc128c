import { Hono } from 'hono'
import { originOf } from '../audit/origin.ts'
import type { Env } from '../context.ts'
import { deadline } from '../deadline.ts'
import { problem } from '../errors.ts'
import { operation } from '../openapi.ts'
import { countingFailures } from '../limits/limited-passwords.ts'
import { requireAdministrator } from '../require-administrator.ts'
import { requireUser } from '../require-user.ts'
import type { Resources } from '../resources.ts'
import { json } from '../respond.ts'
import { Username } from '../users/schema.ts'
import { body, optionalBody } from '../validate.ts'
import { issuePasswordReset } from './issue.ts'
import { resetPassword } from './reset-password.ts'
import { PasswordReset, PasswordWasReset, ResetCode, ResetPath, ResetRequest, passwordReset, viewReset } from './schema.ts'

/** How somebody who forgot a password gets another: an administrator makes a code, and whoever has it spends it. */
export function passwordResetRoutes(resources: Resources) {
  const {
    users: queries,
    passwordResets: resets,
    passwords,
    isBreached,
    revocations,
    limits,
    clock,
    settings,
    clientAddress,
  } = resources

  return new Hono<Env>()
    .post(
      '/users/:username/password-reset',
      operation({
        operationId: 'issuePasswordReset',
        summary: 'Make a code that sets a new password once, as an administrator',
        tag: 'administration',
        params: ResetPath,
        success: { description: 'The code. It takes the place of the one before.', schema: ResetCode },
        errors: [
          'user_not_found',
          'forbidden',
          'reauthentication_required',
          'account_disabled',
          'too_many_requests',
          'overloaded',
        ],
      }),
      deadline,
      requireUser(resources),
      requireAdministrator,
      optionalBody(ResetRequest),
      async (c) => {
        const username = Username.safeParse(c.req.param('username'))
        if (!username.success) return problem(c, 'user_not_found')
        const caller = c.get('caller')
        const counted = countingFailures(passwords, () => limits.currentPassword(caller.userId, clientAddress(c)))
        const parts = { queries, resets, passwords: counted, caller, origin: originOf(c, clientAddress) }
        const dependencies = { ...parts, now: clock(), signal: c.req.raw.signal }
        const outcome = await issuePasswordReset(dependencies, username.data, c.req.valid('json').current_password)
        return typeof outcome === 'string' ? problem(c, outcome) : json(c, viewReset(outcome), 200)
      },
    )
    .post(
      '/password/reset',
      operation({
        operationId: 'resetPassword',
        summary: 'Set a new password with a reset code',
        tag: 'users',
        success: { description: 'The password is set, and every session of the account is over.', schema: PasswordWasReset },
        errors: ['invalid_reset_code', 'too_many_requests', 'overloaded'],
      }),
      body('json', PasswordReset(settings.passwordMinLength)),
      async (c) => {
        await limits.passwordReset(clientAddress(c))
        const dependencies = {
          resets,
          passwords,
          revocations,
          isBreached,
          origin: originOf(c, clientAddress),
          now: clock(),
          signal: c.req.raw.signal,
        }
        const outcome = await resetPassword(dependencies, c.req.valid('json'))
        if (outcome === 'reset') return json(c, { message: passwordReset } as const, 200)
        if (outcome === 'invalid_reset_code') return problem(c, outcome)
        return problem(c, 'invalid_request', { errors: [{ path: 'password', message: outcome.objection }] })
      },
    )
}
