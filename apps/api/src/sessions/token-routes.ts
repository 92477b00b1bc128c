import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { originOf } from '../audit/origin.ts'
import type { Env } from '../context.ts'
import { oauthProblem, problem } from '../errors.ts'
import { describeKeys } from '../health/readiness.ts'
import { operation } from '../openapi.ts'
import type { Resources } from '../resources.ts'
import { json, respond } from '../respond.ts'
import { comesFromSameOrigin } from '../same-origin.ts'
import { presentsBearer } from '../require-user.ts'
import { body, oauthForm, query } from '../validate.ts'
import { readCookies, readDeviceCookie, withCookies, withDeviceCookie, withoutCookies } from './cookies.ts'
import { describeDevice } from './device.ts'
import type { TokenPair } from './issue-tokens.ts'
import { refresh } from './refresh.ts'
import { revoke } from './revoke.ts'
import { CookieResponse, LoginForm, LoginMode, RevokeForm, TokenForm, TokenResponse, viewCookies, viewTokens } from './schema.ts'
import { signIn } from './sign-in.ts'

const Granted = z.union([TokenResponse, CookieResponse])

/**
 * Whoever asks for cookies knows that no token is in the answer. To everybody else its type would be
 * one more thing that `/login` might have answered, so it is left out of the contract.
 */
const answerWithCookies = (c: Context<Env>, tokens: TokenPair) => withCookies(json(c, viewCookies(tokens), 200), tokens) as never

/** Leaves what `handler` takes out of the contract. */
const untyped = (handler: object) => handler as MiddlewareHandler<Env>

const missing = (c: Context<Env>) => oauthProblem(c, 'invalid_oauth_request', 'refresh_token is missing')

/** Where tokens are given and taken: OAuth2's endpoints, and `/login` for those who know only that. */
export function tokenRoutes(resources: Resources) {
  const { keyring, clock, clientAddress, deviceTokens, settings } = resources
  const notReady = (c: Context<Env>) => problem(c, 'not_ready', { checks: { keys: describeKeys(keyring) } })

  const circumstancesOf = (c: Context<Env>) => ({ now: clock(), origin: originOf(c, clientAddress) })

  const signInFrom = (c: Context<Env>, credentials: { username: string; password: string }) => {
    const address = clientAddress(c)
    const visitor = { ...describeDevice(c.req.header('User-Agent'), address), address, device: readDeviceCookie(c) }
    return signIn({ ...resources, ...circumstancesOf(c), signal: c.req.raw.signal }, credentials, visitor)
  }

  async function grantForPassword(c: Context<Env>, form: z.output<typeof TokenForm>) {
    const credentials = LoginForm.safeParse(form)
    if (!credentials.success) return oauthProblem(c, 'invalid_oauth_request', 'username or password is missing or too long')
    const outcome = await signInFrom(c, credentials.data)
    if (outcome === 'invalid_credentials') return oauthProblem(c, 'invalid_grant', 'Incorrect username or password')
    return outcome === 'not_ready' ? notReady(c) : json(c, viewTokens(outcome), 200)
  }

  async function grantForRefreshToken(c: Context<Env>, given: string | undefined) {
    const { refresh: kept } = readCookies(c)
    if (given === undefined) return kept === undefined ? missing(c) : grantForCookie(c, kept)
    if (kept !== undefined)
      return oauthProblem(c, 'invalid_oauth_request', 'A refresh token is in the form and another in a cookie')
    const outcome = await refresh({ ...resources, ...circumstancesOf(c) }, given, clientAddress(c))
    if (outcome === 'invalid_grant') return oauthProblem(c, outcome)
    return outcome === 'not_ready' ? notReady(c) : json(c, viewTokens(outcome), 200)
  }

  async function grantForCookie(c: Context<Env>, kept: string) {
    if (presentsBearer(c)) return oauthProblem(c, 'invalid_oauth_request', 'A cookie and an access token are there: send one')
    if (!comesFromSameOrigin(c, settings.issuer)) return problem(c, 'cross_site_request')
    const outcome = await refresh({ ...resources, ...circumstancesOf(c) }, kept, clientAddress(c))
    if (outcome === 'invalid_grant') return withoutCookies(oauthProblem(c, outcome))
    return outcome === 'not_ready' ? notReady(c) : answerWithCookies(c, outcome)
  }

  return new Hono<Env>()
    .post(
      '/login',
      operation({
        operationId: 'login',
        summary: 'Sign in with a username and a password, for first-party clients',
        tag: 'sessions',
        success: { description: 'The tokens of a new session.', schema: Granted },
        errors: ['invalid_credentials', 'cross_site_request', 'too_many_requests', 'overloaded', 'not_ready'],
      }),
      untyped(query(LoginMode)),
      body('form', LoginForm),
      async (c) => {
        const byCookie = c.req.query('mode') === 'cookie'
        if (byCookie && !comesFromSameOrigin(c, settings.issuer)) return problem(c, 'cross_site_request')
        const outcome = await signInFrom(c, c.req.valid('form'))
        // No WWW-Authenticate: OAuth2 libraries would show the challenge and hide the reason.
        if (outcome === 'invalid_credentials') return problem(c, outcome, { error: 'invalid_grant' })
        if (outcome === 'not_ready') return notReady(c)
        if (byCookie) return withDeviceCookie(answerWithCookies(c, outcome), deviceTokens.issue(outcome.userId, clock()))
        return json(c, viewTokens(outcome), 200)
      },
    )
    .post(
      '/token',
      operation({
        operationId: 'token',
        summary: 'Exchange a refresh token for its successor and an access token (RFC 6749 §6), or sign in',
        tag: 'sessions',
        success: { description: 'The session’s tokens.', schema: Granted },
        errors: ['invalid_grant', 'unsupported_grant_type', 'cross_site_request', 'too_many_requests', 'overloaded', 'not_ready'],
      }),
      oauthForm(TokenForm),
      async (c) => {
        const form = c.req.valid('form')
        if (form.grant_type === 'password') return grantForPassword(c, form)
        if (form.grant_type === 'refresh_token') return grantForRefreshToken(c, form.refresh_token || undefined)
        return oauthProblem(c, 'unsupported_grant_type')
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
        await revoke({ ...resources, ...circumstancesOf(c) }, c.req.valid('form').token, 'session_ended')
        return respond(c, '', 200, { 'Content-Type': 'text/plain; charset=utf-8' })
      },
    )
}
