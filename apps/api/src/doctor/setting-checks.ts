import type { Config } from '../config.ts'
import { type Finding, failure, ok, warning } from './finding.ts'

const local = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|.+\.localhost)$/

/** Whether browsers take an origin for secure though it may have no TLS (W3C Secure Contexts §3.1). */
const isTrustworthy = (origin: string): boolean => {
  const { protocol, hostname } = new URL(origin)
  return protocol === 'https:' || local.test(hostname)
}

const isLocal = (origin: string) => local.test(new URL(origin).hostname)

export function judgePublicUrl({ database, settings: { issuer } }: Pick<Config, 'database' | 'settings'>): Finding {
  if (database.kind === 'postgres' && isLocal(issuer)) {
    const advice = 'Set PUBLIC_URL to the origin that clients call: access tokens name it as issuer and audience.'
    return warning('public URL', `${issuer} is reached from this machine only`, advice)
  }
  if (isTrustworthy(issuer)) return ok('public URL', issuer)
  return failure(
    'public URL',
    `${issuer} is not encrypted`,
    'Put TLS in front, and set PUBLIC_URL to the https:// origin: passwords and tokens pass there.',
  )
}

/** Cookies are for pages of the API's own origin, and only browsers' secure contexts keep `__Host-` ones. */
export function judgeCookies({ issuer }: Pick<Config['settings'], 'issuer'>): Finding {
  if (!isTrustworthy(issuer)) {
    return warning('cookies', `browsers keep no cookies of ${issuer}`, 'Cookie mode needs https://, or localhost.')
  }
  return ok('cookies', `for pages of ${issuer}`)
}

export function judgeCors({ corsOrigins, issuer }: Pick<Config['settings'], 'corsOrigins' | 'issuer'>): Finding {
  const open = corsOrigins.filter((origin) => !isTrustworthy(origin))
  if (open.length > 0) {
    return warning(
      'CORS origins',
      `${open.join(', ')}: not encrypted`,
      'Whoever is between the page and its reader can change it, and act as the reader.',
    )
  }
  const needless = corsOrigins.includes(issuer)
  if (needless)
    return warning('CORS origins', `${issuer} is the API itself`, 'Leave it out: pages of the same origin need no CORS.')
  return ok('CORS origins', corsOrigins.length === 0 ? 'none: pages of other origins can’t call the API' : corsOrigins.join(', '))
}

/**
 * What the cost of a hash on this machine means.
 *
 * @param milliseconds of one hash with nothing beside it
 */
export function judgeHash({ name, milliseconds, cores }: { name: string; milliseconds: number; cores: number }): Finding {
  const rate = Math.round((cores * 1000) / milliseconds)
  const message = `${Math.round(milliseconds)} ms each (${name}), at most ${rate} sign-ins a second on ${cores} ${cores === 1 ? 'core' : 'cores'}`
  if (name === 'noble')
    return warning(
      'password hash',
      message,
      'The runtime has no argon2id of its own: Node 24.7 or later, Bun or Deno are about ten times faster.',
    )
  if (milliseconds > 250)
    return warning('password hash', message, 'Sign-ins are slow here: give the process more processor time.')
  return ok('password hash', message)
}
