import type { Context } from 'hono'

/**
 * Whether a browser sent the request from a page of this server: only then may cookies speak for it, since
 * a browser attaches them to what any page asks. `Sec-Fetch-Site` says so (Fetch Metadata); browsers without
 * it send `Origin` with everything that changes something.
 *
 * @param publicOrigin the server's origin as browsers know it, where a proxy gives it another name
 */
export function isSameOrigin(
  { site, origin, host }: { site: string | undefined; origin: string | undefined; host: string | undefined },
  publicOrigin: string,
): boolean {
  if (site !== undefined) return site === 'same-origin'
  if (origin === undefined) return false
  if (origin === publicOrigin) return true
  const page = URL.parse(origin)
  if (page === null || page.origin !== origin || !/^https?:$/.test(page.protocol)) return false
  return host !== undefined && page.host === host.toLowerCase()
}

/** `isSameOrigin()` of a request. */
export function comesFromSameOrigin(c: Context, publicOrigin: string): boolean {
  const site = c.req.header('Sec-Fetch-Site')
  return isSameOrigin({ site, origin: c.req.header('Origin'), host: c.req.header('Host') }, publicOrigin)
}
