// Stock OAuth2 libraries, configured as for any other server. openid-client takes the same steps as the Python script, and
// takes them always: so that nothing is left out where Python or its package (Debian's python3-requests-oauthlib) is missing.
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from './postgres.ts'
import { type SpawnedServer, spawnServer, temporaryFolder } from './server.ts'
import { createApi, freshName, goodPassword } from './suite/target.ts'

const folder = temporaryFolder()
let server: SpawnedServer | undefined
let issuer: URL

beforeAll(async () => {
  const port = await freePort()
  issuer = new URL(`http://127.0.0.1:${port}`)
  server = await spawnServer('node', { PORT: String(port), PUBLIC_URL: issuer.origin, DATA_DIR: folder })
})
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function register(): Promise<string> {
  const username = freshName()
  const target = { fetch: (path: string, init?: RequestInit) => fetch(new URL(path, issuer), init), stop: async () => undefined }
  expect((await createApi(target).register(username)).status).toBe(200)
  return username
}

describe('oauth4webapi', () => {
  const client: oauth.Client = { client_id: 'app' }
  const onLoopback = { [oauth.allowInsecureRequests]: true }
  let as: oauth.AuthorizationServer

  beforeAll(async () => {
    const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...onLoopback })
    as = await oauth.processDiscoveryResponse(issuer, response)
  })

  async function signIn(auth: oauth.ClientAuth, username: string, password = goodPassword): Promise<oauth.TokenEndpointResponse> {
    const response = await oauth.genericTokenEndpointRequest(as, client, auth, 'password', { username, password }, onLoopback)
    return oauth.processGenericTokenEndpointResponse(as, client, response)
  }

  async function refresh(auth: oauth.ClientAuth, token = ''): Promise<oauth.TokenEndpointResponse> {
    const response = await oauth.refreshTokenGrantRequest(as, client, auth, token, onLoopback)
    return oauth.processRefreshTokenResponse(as, client, response)
  }

  async function revoke(auth: oauth.ClientAuth, token: string): Promise<void> {
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token, onLoopback))
  }

  const invalidGrant = { name: 'ResponseBodyError', error: 'invalid_grant', status: 400, error_description: expect.any(String) }

  test.each<[string, oauth.ClientAuth]>([
    ['no client authentication', oauth.None()],
    ['a secret in HTTP Basic', oauth.ClientSecretBasic('secret')],
    ['a secret in the form', oauth.ClientSecretPost('secret')],
  ])('signs in, refreshes and revokes with %s', async (_name, auth) => {
    const first = await signIn(auth, await register())
    expect(first).toMatchObject({ token_type: 'bearer', expires_in: 1800 })
    const second = await refresh(auth, first.refresh_token)
    expect(second.refresh_token).not.toBe(first.refresh_token)
    await revoke(auth, second.access_token)
    const refused = await refresh(auth, second.refresh_token).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(oauth.ResponseBodyError)
    expect(refused).toMatchObject(invalidGrant)
  })

  test('reports a wrong password as invalid_grant', async () => {
    await expect(signIn(oauth.None(), await register(), 'not the password')).rejects.toMatchObject(invalidGrant)
  })

  test('verifies an access token as RFC 9068 has it, by the keys that the metadata names', async () => {
    const { access_token } = await signIn(oauth.None(), await register())
    const request = new Request(issuer, { headers: { Authorization: `Bearer ${access_token}` } })
    const claims = await oauth.validateJwtAccessToken(as, request, issuer.origin, onLoopback)
    expect(claims).toMatchObject({ iss: issuer.origin, client_id: 'gatehouse' })
  })
})

describe('openid-client', () => {
  let discovered: openid.Configuration

  beforeAll(async () => {
    discovered = await openid.discovery(issuer, 'app', undefined, openid.None(), {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
    })
  })

  /** For who knows `/login` only, and configures it by hand. */
  function atLogin(): openid.Configuration {
    const metadata = { issuer: issuer.origin, token_endpoint: new URL('/login', issuer).href }
    const config = new openid.Configuration(metadata, 'app')
    openid.allowInsecureRequests(config)
    return config
  }

  async function me(token: string): Promise<unknown> {
    const answer = await openid.fetchProtectedResource(discovered, token, new URL('/users/me', issuer), 'GET')
    return answer.json()
  }

  test.each([
    ['/token', () => discovered],
    ['/login', atLogin],
  ])('signs in at %s, refreshes and revokes', async (_path, configuration) => {
    const username = await register()
    const first = await openid.genericGrantRequest(configuration(), 'password', { username, password: goodPassword })
    expect(first.expiresIn()).toBeGreaterThan(1700)
    expect(await me(first.access_token)).toMatchObject({ username })
    const second = await openid.refreshTokenGrant(discovered, first.refresh_token ?? '')
    expect(await me(second.access_token)).toMatchObject({ username })
    await openid.tokenRevocation(discovered, second.refresh_token ?? '')
    await expect(me(second.access_token)).rejects.toMatchObject({ name: 'WWWAuthenticateChallengeError', status: 401 })
    const refused = openid.refreshTokenGrant(discovered, second.refresh_token ?? '')
    await expect(refused).rejects.toMatchObject({ name: 'ResponseBodyError', error: 'invalid_grant' })
  })

  test('reports a wrong password as invalid_grant', async () => {
    const refused = openid.genericGrantRequest(discovered, 'password', {
      username: await register(),
      password: 'not the password',
    })
    await expect(refused).rejects.toMatchObject({ name: 'ResponseBodyError', error: 'invalid_grant' })
  })
})

describe('requests-oauthlib', async () => {
  const run = promisify(execFile)
  const python = await findPython()
  if (python === undefined) console.warn('requests-oauthlib is not installed for Python: openid-client alone takes its steps')

  test.skipIf(python === undefined)('signs in at /login and /token, refreshes by itself and revokes', async () => {
    const script = fileURLToPath(new URL('clients/requests_oauthlib_client.py', import.meta.url))
    const { stdout } = await run(python ?? '', [script, issuer.origin, await register(), goodPassword], {
      env: { NO_PROXY: '*' },
    })
    expect(stdout.trim().split('\n')).toEqual(['/login: signed in, refreshed, revoked', '/token: signed in, refreshed, revoked'])
  })

  /** Debian's packages are the system's; the first python3 may be another one. */
  async function findPython(): Promise<string | undefined> {
    for (const command of ['python3', '/usr/bin/python3']) {
      const found = await run(command, ['-c', 'import requests_oauthlib']).catch(() => undefined)
      if (found) return command
    }
    return undefined
  }
})
