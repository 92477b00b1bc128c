import { Hono } from 'hono'
import { z } from 'zod'
import type { Env } from '../context.ts'
import { operation } from '../openapi.ts'
import type { Resources } from '../resources.ts'
import { json } from '../respond.ts'

/** RFC 8414 §2. What it has no member for, this server does not do. */
const AuthorizationServer = z
  .object({
    issuer: z.url().meta({ description: '`iss` of the access tokens.' }),
    token_endpoint: z.url(),
    revocation_endpoint: z.url(),
    jwks_uri: z.url(),
    grant_types_supported: z.array(z.enum(['password', 'refresh_token'])),
    response_types_supported: z.array(z.string()).meta({ description: 'None: there is no authorization endpoint.' }),
    token_endpoint_auth_methods_supported: z
      .array(z.literal('none'))
      .meta({ description: 'Clients are not registered: what they say of themselves is accepted, and not used.' }),
    revocation_endpoint_auth_methods_supported: z.array(z.literal('none')),
    service_documentation: z.url(),
  })
  .meta({ id: 'AuthorizationServer', examples: [describeServer('https://accounts.example.com')] })

export function metadataRoutes({ settings }: Resources) {
  const metadata = describeServer(settings.issuer)

  return new Hono<Env>().get(
    '/.well-known/oauth-authorization-server',
    operation({
      operationId: 'getAuthorizationServer',
      summary: 'What OAuth2 libraries configure themselves from (RFC 8414)',
      tag: 'sessions',
      success: {
        description: 'The endpoints and what they support, to be cached for five minutes.',
        schema: AuthorizationServer,
      },
    }),
    (c) => json(c, metadata, 200, { 'Cache-Control': 'public, max-age=300' }),
  )
}

function describeServer(issuer: string) {
  return {
    issuer,
    token_endpoint: `${issuer}/token`,
    revocation_endpoint: `${issuer}/revoke`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    grant_types_supported: ['password', 'refresh_token'],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint_auth_methods_supported: ['none'],
    service_documentation: `${issuer}/docs`,
  } as const
}
