import { Hono } from 'hono'
import { z } from 'zod'
import type { Env } from '../context.ts'
import { operation } from '../openapi.ts'
import type { Resources } from '../resources.ts'
import { json } from '../respond.ts'
import { jwksMaxAge } from './rotation.ts'

const Jwk = z.object({
  kty: z.string(),
  crv: z.string(),
  x: z.string(),
  y: z.string(),
  kid: z.string(),
  alg: z.literal('ES256'),
  use: z.literal('sig'),
})
const Jwks = z.object({ keys: z.array(Jwk) }).meta({ id: 'JsonWebKeySet' })

export function keyRoutes({ keyring }: Resources) {
  return new Hono<Env>().get(
    '/.well-known/jwks.json',
    operation({
      operationId: 'getJwks',
      summary: 'The public keys that verify access tokens (RFC 7517)',
      tag: 'keys',
      success: { description: 'A JSON Web Key Set, to be cached for five minutes.', schema: Jwks },
    }),
    (c) => json(c, keyring.jwks, 200, { 'Cache-Control': `public, max-age=${jwksMaxAge}` }),
  )
}
