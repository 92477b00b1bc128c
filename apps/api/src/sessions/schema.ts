import { z } from 'zod'
import { Password, Username } from '../users/schema.ts'
import type { TokenPair } from './issue-tokens.ts'

const unused = z
  .string()
  .optional()
  .meta({ description: 'Accepted, and not used.', examples: [''] })

const exampleRefreshToken = 'AZqfTbIxcAC0AAAAAAAAAA.0.c2lnbmF0dXJl'

const client = { scope: unused, client_id: unused, client_secret: unused }

/** FastAPI's OAuth2PasswordRequestForm. */
export const LoginForm = z
  .object({
    username: Username,
    password: Password,
    grant_type: z
      .enum(['password', ''])
      .optional()
      .meta({ examples: ['password'] }),
    ...client,
  })
  .meta({ id: 'LoginForm' })

/**
 * RFC 6749 §4.3.2 and §6. What a grant type demands is looked at with its own schema, for RFC 6749's own errors.
 * A parameter without a value counts as absent (§3.2).
 */
export const TokenForm = z
  .object({
    grant_type: z
      .string()
      .min(1)
      .meta({ description: '`refresh_token`, or `password` as at `/login`.', examples: ['refresh_token'] }),
    refresh_token: z
      .string()
      .optional()
      .meta({ examples: [exampleRefreshToken] }),
    username: z.string().optional(),
    password: z.string().optional().meta({ format: 'password' }),
    ...client,
  })
  .meta({ id: 'TokenForm' })

/** RFC 7009 §2.1. */
export const RevokeForm = z
  .object({
    token: z
      .string()
      .min(1)
      .meta({ description: 'A refresh token or an access token: its session ends.', examples: [exampleRefreshToken] }),
    token_type_hint: unused,
    client_id: unused,
    client_secret: unused,
  })
  .meta({ id: 'RevokeForm' })

/** RFC 6749 §5.1. */
export const TokenResponse = z
  .object({
    access_token: z.string(),
    token_type: z.literal('bearer'),
    expires_in: z.int().nonnegative().meta({ description: 'Seconds that the access token lives.' }),
    refresh_token: z.string(),
    refresh_expires_in: z.int().nonnegative().meta({ description: 'Seconds that the session lives without a refresh.' }),
  })
  .meta({
    id: 'TokenResponse',
    examples: [
      {
        access_token: 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl',
        token_type: 'bearer',
        expires_in: 1800,
        refresh_token: exampleRefreshToken,
        refresh_expires_in: 1_209_600,
      },
    ],
  })

/** What a browser learns where cookies hold the tokens. */
export const CookieResponse = TokenResponse.pick({ expires_in: true, refresh_expires_in: true })
  .extend({ token_type: z.literal('cookie') })
  .meta({ id: 'CookieResponse', examples: [{ token_type: 'cookie', expires_in: 1800, refresh_expires_in: 1_209_600 }] })

export const LoginMode = z.object({
  mode: z
    .enum(['token', 'cookie'])
    .optional()
    .meta({ description: 'With `cookie`, browsers get the tokens as cookies that JavaScript can’t read.', examples: ['token'] }),
})

export const viewCookies = ({ expiresIn, refreshExpiresIn }: TokenPair) => ({
  token_type: 'cookie' as const,
  expires_in: expiresIn,
  refresh_expires_in: refreshExpiresIn,
})

export function viewTokens({ accessToken, expiresIn, refreshToken, refreshExpiresIn }: TokenPair) {
  return {
    access_token: accessToken,
    token_type: 'bearer' as const,
    expires_in: expiresIn,
    refresh_token: refreshToken,
    refresh_expires_in: refreshExpiresIn,
  }
}

export const SessionView = z
  .object({
    id: z.uuid(),
    create_time: z.iso.datetime().meta({ description: 'When the password was proven.' }),
    last_used: z.iso.datetime().meta({ description: 'The sign-in, or the last refresh.' }),
    expire_time: z.iso.datetime().meta({ description: 'When it is over, unless it is refreshed before.' }),
    user_agent: z.string().nullable(),
    address_prefix: z.string().nullable().meta({ description: 'The network that it was opened from.' }),
    current: z.boolean().meta({ description: 'Whether it is the one that asks.' }),
  })
  .meta({
    examples: [
      {
        id: '019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42',
        create_time: '2026-01-02T03:04:05.678Z',
        last_used: '2026-01-02T03:34:05.678Z',
        expire_time: '2026-01-16T03:34:05.678Z',
        user_agent: 'curl/8.14.1',
        address_prefix: '203.0.113.0/24',
        current: true,
      },
    ],
  })

export const SessionList = z.object({ sessions: z.array(SessionView) }).meta({ id: 'SessionList' })

export const SessionsEnded = z
  .object({ message: z.literal('Other sessions ended'), sessions_ended: z.int().nonnegative() })
  .meta({ id: 'SessionsEnded', examples: [{ message: 'Other sessions ended', sessions_ended: 2 }] })

/** Any text: what is not the id of a session of one's own is not found. */
export const SessionPath = z.object({
  id: z.string().meta({ description: 'As `GET /sessions` lists it.', examples: ['019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42'] }),
})

/** What an owner sees of a session. */
export function viewSession(
  session: {
    id: string
    createTime: Date
    lastUsed: Date
    expireTime: Date
    userAgent: string | null
    addressPrefix: string | null
  },
  currentId: string,
): z.output<typeof SessionView> {
  return {
    id: session.id,
    create_time: session.createTime.toISOString(),
    last_used: session.lastUsed.toISOString(),
    expire_time: session.expireTime.toISOString(),
    user_agent: session.userAgent,
    address_prefix: session.addressPrefix,
    current: session.id === currentId,
  }
}
