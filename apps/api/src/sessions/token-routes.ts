import { type Context, Hono } from 'hono'
import type { Env } from '../context.ts'
import { oauthProblem, problem } from '../errors.ts'
import { describeKeys } from '../health/readiness.ts'
import { operation } from '../openapi.ts'
import type { Resources } from '../resources.ts'
import { json, respond } from '../respond.ts'
import { body, oauthForm } from '../validate.ts'
import { describeDevice } from './device.ts'
import { refresh } from './refresh.ts'
import { revoke } from './revoke.ts'
import { LoginForm, RevokeForm, TokenForm, TokenResponse, viewTokens } from './schema.ts'
import { signIn } from './sign-in.ts'

/** Where tokens are given and taken: OAuth2's endpoints, and `/login` for those who know only that. */
export function tokenRoutes(resources: Resources) {
  const { keyring, clock, addressOf } = resources
  const deviceOf = (c: Context<Env>) => describeDevice(c.req.header('User-Agent'), addressOf(c.env))
  const notReady = (c: Context<Env>) => problem(c, 'not_ready', { checks: { keys: describeKeys(keyring) } })

  return new Hono<Env>()
    .post(
      '/login',
      operation({
        operationId: 'login',
        summary: 'Sign in with a username and a password, for first-party clients',
        tag: 'sessions',
        success: { description: 'The tokens of a new session.', schema: TokenResponse },
        errors: ['invalid_credentials', 'overloaded', 'not_ready'],
      }),
      body('form', LoginForm),
      async (c) => {
        const dependencies = { ...resources, now: clock(), signal: c.req.raw.signal }
        const outcome = await signIn(dependencies, c.req.valid('form'), deviceOf(c))
        // No WWW-Authenticate: OAuth2 libraries would show the challenge and hide the reason.
        if (outcome === 'invalid_credentials') return problem(c, outcome, { error: 'invalid_grant' })
        if (outcome === 'not_ready') return notReady(c)
        return json(c, viewTokens(outcome), 200)
      },
    )
    .post(
      '/token',
      operation({
        operationId: 'token',
        summary: 'Exchange a refresh token for its successor and an access token (RFC 6749 §6), or sign in',
        tag: 'sessions',
        success: { description: 'The session’s tokens.', schema: TokenResponse },
        errors: ['invalid_grant', 'unsupported_grant_type', 'overloaded', 'not_ready'],
      }),
      oauthForm(TokenForm),
      async (c) => {
        const form = c.req.valid('form')
        if (form.grant_type === 'refresh_token') {
          if (!form.refresh_token) return oauthProblem(c, 'invalid_oauth_request', 'refresh_token is missing')
          const outcome = await refresh({ ...resources, now: clock() }, form.refresh_token)
          if (outcome === 'invalid_grant') return oauthProblem(c, outcome)
          return outcome === 'not_ready' ? notReady(c) : json(c, viewTokens(outcome), 200)
        }
        if (form.grant_type !== 'password') return oauthProblem(c, 'unsupported_grant_type')
        const credentials = LoginForm.safeParse(form)
        if (!credentials.success) return oauthProblem(c, 'invalid_oauth_request', 'username or password is missing or too long')
        const dependencies = { ...resources, now: clock(), signal: c.req.raw.signal }
        const outcome = await signIn(dependencies, credentials.data, deviceOf(c))
        if (outcome === 'invalid_credentials') return oauthProblem(c, 'invalid_grant', 'Incorrect username or password')
        return outcome === 'not_ready' ? notReady(c) : json(c, viewTokens(outcome), 200)
      },
    )
    .post(
      '/revoke',
      operation({
        operationId: 'revoke',
        summary: 'End the session of a refresh token or an access token (RFC 7009)',
        tag: 'sessions',
        success: { description: 'The token is refused from now on, whatever it was before.', mediaType: 'text/plain' },
      }),
      oauthForm(RevokeForm),
      async (c) => {
        await revoke({ ...resources, now: clock() }, c.req.valid('form').token)
        return respond(c, '', 200, { 'Content-Type': 'text/plain; charset=utf-8' })
      },
    )
}
