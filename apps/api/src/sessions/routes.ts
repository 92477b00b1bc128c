import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { problem } from '../errors.ts'
import { describeKeys } from '../health/readiness.ts'
import { operation } from '../openapi.ts'
import type { Resources } from '../resources.ts'
import { json } from '../respond.ts'
import { body } from '../validate.ts'
import { LoginForm, TokenResponse } from './schema.ts'
import { signIn } from './sign-in.ts'

export function sessionRoutes({ users, passwords, tokens, keyring, clock }: Resources) {
  return new Hono<Env>().post(
    '/login',
    operation({
      operationId: 'login',
      summary: 'Sign in with a username and a password, for first-party clients',
      tag: 'sessions',
      success: { description: 'An access token.', schema: TokenResponse },
      errors: ['invalid_credentials', 'overloaded', 'not_ready'],
    }),
    body('form', LoginForm),
    async (c) => {
      const outcome = await signIn({ users, passwords, tokens, now: clock(), signal: c.req.raw.signal }, c.req.valid('form'))
      // No WWW-Authenticate: OAuth2 libraries would show the challenge and hide the reason.
      if (outcome === 'invalid_credentials') return problem(c, outcome, { error: 'invalid_grant' })
      if (outcome === 'not_ready') return problem(c, outcome, { checks: { keys: describeKeys(keyring) } })
      return json(c, { access_token: outcome.accessToken, token_type: 'bearer' as const, expires_in: tokens.ttl }, 200)
    },
  )
}
