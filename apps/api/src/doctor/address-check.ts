import { isPrivate } from '../ip-address.ts'
import { type Finding, failure, ok, warning } from './finding.ts'

/** Of TEST-NET-1 (RFC 5737): no client has it. */
const forged = '192.0.2.66'

const patience = 5_000

/** Asks the API that runs at `publicUrl`, through whatever is before it, from which address it believes to be asked. */
export async function checkClientAddress(
  publicUrl: string,
  options: { proxied: boolean; fetch: typeof fetch },
): Promise<Finding> {
  try {
    const headers = { 'X-Forwarded-For': forged, Forwarded: `for=${forged}` }
    const answer = await options.fetch(`${publicUrl}/health/client`, {
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(patience),
    })
    const { address } = (await answer.json()) as { address?: string | null }
    if (answer.status !== 200 || address === undefined) throw new Error(`it answered ${answer.status}`)
    return judgeClientAddress(address, options)
  } catch {
    const advice = 'Once it runs there, run this again from another machine: it tells which address clients are limited by.'
    return warning('client address', `nothing of this version answers at ${publicUrl}`, advice)
  }
}

/** @param address that the API took for the client's, which said it was somebody else */
export function judgeClientAddress(address: string | null, { proxied }: { proxied: boolean }): Finding {
  if (address === forged) {
    const advice =
      'TRUSTED_PROXIES trusts too many, or FORWARDED_HEADER names a header that the proxy passes through: name the proxies, and the header that they write.'
    return failure('client address', 'a client can choose its own address', advice)
  }
  if (address === null) {
    return warning(
      'client address',
      'unknown: there are no limits by address',
      'Let the proxy write X-Forwarded-For or Forwarded with the address of its client.',
    )
  }
  if (isPrivate(address) && !proxied) {
    const advice =
      'If there is a proxy, all its clients share the limits of one address: name it in TRUSTED_PROXIES. If this machine asked directly, all is well.'
    return warning('client address', `${address} as seen through the public URL`, advice)
  }
  return ok('client address', `${address} as seen through the public URL`)
}
