import { z } from 'zod'
import { Password, Username } from '../users/schema.ts'

const unused = z
  .string()
  .optional()
  .meta({ description: 'Accepted, and not used.', examples: [''] })

/** FastAPI's OAuth2PasswordRequestForm. */
export const LoginForm = z
  .object({
    username: Username,
    password: Password,
    grant_type: z
      .enum(['password', ''])
      .optional()
      .meta({ examples: ['password'] }),
    scope: unused,
    client_id: unused,
    client_secret: unused,
  })
  .meta({ id: 'LoginForm' })

/** RFC 6749 §5.1. */
export const TokenResponse = z
  .object({
    access_token: z.string(),
    token_type: z.literal('bearer'),
    expires_in: z.int().positive().meta({ description: 'Seconds that the access token lives.' }),
  })
  .meta({
    id: 'TokenResponse',
    examples: [{ access_token: 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl', token_type: 'bearer', expires_in: 1800 }],
  })
