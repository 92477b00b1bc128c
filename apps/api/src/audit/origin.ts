import type { Context } from 'hono'
import type { ClientAddress } from '../client-address.ts'
import type { Env } from '../context.ts'
import type { Caller } from '../keys/access-token.ts'
import { describeDevice } from '../sessions/device.ts'
import type { Origin } from './event.ts'

/** Who asks, and from where: the caller where the request has proven one. */
export function originOf(c: Context<Env>, clientAddress: ClientAddress): Origin {
  const caller = c.get('caller') as Caller | undefined // set behind `requireUser` only
  const { addressPrefix } = describeDevice(undefined, clientAddress(c))
  const from = { addressPrefix, requestId: c.get('requestId') }
  return caller ? { actor: 'user', actorId: caller.userId, ...from } : { actor: 'anonymous', ...from }
}
