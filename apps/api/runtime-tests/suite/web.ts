import { describe, expect, test } from 'vitest'
import type { Api } from './target.ts'

export function webSuite(api: () => Api): void {
  test.each([
    '/',
    '/nope',
    '/user/x',
    '/users/ada',
    '/users/me/x',
    '/docs/../package.json',
    '/docs/nope.js',
    '/.env',
    '//user',
    '/%2e%2e/x',
    '/USER/',
  ])('GET %s is 404', async (path) => {
    expect(await api().get(path)).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  test.each<[string, string, string[]]>([
    ['PUT', '/user/', ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST']],
    ['PUT', '/user', ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST']],
    ['GET', '/login', ['POST']],
    ['GET', '/token', ['POST']],
    ['GET', '/revoke', ['POST']],
    ['POST', '/sessions', ['DELETE', 'GET', 'HEAD']],
    ['GET', '/sessions/x', ['DELETE']],
    ['POST', '/.well-known/oauth-authorization-server', ['GET', 'HEAD']],
    ['POST', '/users/me', ['GET', 'HEAD']],
    ['DELETE', '/.well-known/jwks.json', ['GET', 'HEAD']],
    ['POST', '/health/live', ['GET', 'HEAD']],
  ])('%s %s is 405 with a complete Allow', async (method, path, allowed) => {
    const answer = await api().send(path, { method })
    expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } })
    expect(answer.headers.get('Allow')?.split(', ').toSorted()).toEqual(allowed)
  })

  test('HEAD answers like GET, without a body', async () => {
    const answer = await api().send('/health/live', { method: 'HEAD' })
    expect([answer.status, answer.body['text'] ?? '']).toEqual([200, ''])
  })

  test('method override headers change nothing', async () => {
    const headers = { 'X-HTTP-Method-Override': 'DELETE', 'X-Method-Override': 'DELETE' }
    expect((await api().send('/health/live', { headers })).status).toBe(200)
  })

  test('every answer is nosniff, not stored, and names its request', async () => {
    for (const path of ['/users/me', '/nope', '/health/live', '/openapi.json']) {
      const { headers } = await api().get(path)
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
      expect(headers.get('Cache-Control')).toBe('no-store')
      expect(headers.get('X-Request-Id')).toMatch(/^[\w-]{36}$/)
    }
  })

  test('a problem carries the id of its request, which a caller may choose in safe characters', async () => {
    const chosen = await api().send('/nope', { headers: { 'X-Request-Id': 'trace-42' } })
    expect([chosen.headers.get('X-Request-Id'), chosen.body['request_id']]).toEqual(['trace-42', 'trace-42'])
    const hostile = await api().send('/nope', { headers: { 'X-Request-Id': '<script>{"a":1}' } })
    expect(hostile.body['request_id']).toMatch(/^[\w-]{36}$/)
  })

  test('a problem is problem+json with the members of RFC 9457', async () => {
    const { headers, body } = await api().get('/nope')
    expect(headers.get('Content-Type')).toBe('application/problem+json')
    expect(body).toMatchObject({ type: 'about:blank', title: 'Not Found', status: 404, detail: expect.any(String) })
  })

  test('no origin may read answers unless it was configured', async () => {
    const { headers } = await api().send('/health/live', { headers: { Origin: 'https://evil.example' } })
    expect(headers.has('Access-Control-Allow-Origin')).toBe(false)
  })

  describe('health', () => {
    test('GET /health/live answers ok', async () => {
      expect(await api().get('/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } })
    })

    test('GET /health/ready checks database, migrations and keys', async () => {
      const checks = { database: 'ok', migrations: 'ok', keys: 'ok' }
      expect(await api().get('/health/ready')).toMatchObject({ status: 200, body: { status: 'ok', checks } })
    })
  })

  test('GET /docs is a page under a strict policy, made of local files only', async () => {
    const { status, headers, body } = await api().get('/docs')
    const html = String(body['text'])
    expect(status).toBe(200)
    expect(headers.get('Content-Type')).toMatch(/^text\/html/)
    expect(headers.get('Content-Security-Policy')).toMatch(/^default-src 'none'/)
    expect(headers.get('Content-Security-Policy')).not.toMatch(/unsafe/)
    for (const [, url = ''] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect(url).toMatch(/^\/docs\//)
      expect((await api().get(url)).status).toBe(200)
    }
  })
}
