import { createServer } from 'node:http'
import { rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from './browser.ts'
import { type SpawnedServer, spawnServer, temporaryFolder } from './server.ts'
import { createApi, freshName, goodPassword } from './suite/target.ts'

const folder = temporaryFolder()
let server: SpawnedServer
let browser: Browser
/** Another site's page: the same machine by another name. */
let elsewhere: { url: string; close(): void }

beforeAll(async () => {
  server = await spawnServer('node', { DATA_DIR: folder })
  browser = await launchBrowser()
  const site = createServer((_request, response) => response.setHeader('Content-Type', 'text/html').end('<p>elsewhere'))
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  elsewhere = { url: `http://localhost:${(site.address() as AddressInfo).port}/`, close: () => site.close() }
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
  elsewhere?.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Init {
  method?: string
  headers?: Record<string, string>
  body?: string
  credentials?: 'include'
  mode?: 'no-cors'
}

/** What a page's script gets, or why it gets nothing. */
function call(page: Page, url: string, init: Init = {}) {
  return page.evaluate(
    async ([target, options]) => {
      try {
        const response = await fetch(target, options)
        return { status: response.status, body: response.type === 'opaque' ? '' : await response.text() }
      } catch (error) {
        return { status: 0, body: String(error) }
      }
    },
    [url, init] as const,
  )
}

const form = (fields: Record<string, string>) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
})

test('a browser keeps the cookies from scripts, sends them to the page’s own server, and takes other sites’ requests nowhere', async () => {
  const api = createApi({ fetch: (path, init) => fetch(server.url + path, init), stop: server.stop })
  const username = freshName()
  await api.register(username)
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(`${server.url}/docs`)
  const login = await call(page, '/login?mode=cookie', form({ username, password: goodPassword }))
  expect(login).toMatchObject({ status: 200, body: expect.not.stringContaining('eyJ') })
  expect(await page.evaluate('document.cookie')).toBe('')
  expect(await call(page, '/users/me')).toMatchObject({ status: 200, body: expect.stringContaining(username) })
  expect(await call(page, '/token', form({ grant_type: 'refresh_token' }))).toMatchObject({ status: 200 })

  const stranger = await context.newPage()
  await stranger.goto(elsewhere.url)
  const options = { credentials: 'include', mode: 'no-cors' } as const
  await call(stranger, `${server.url}/logout`, { ...options, method: 'POST' })
  await call(stranger, `${server.url}/token`, { ...options, ...form({ grant_type: 'refresh_token' }) })
  expect(await call(stranger, `${server.url}/users/me`, { credentials: 'include' })).toMatchObject({ status: 0 })
  expect(await call(page, '/users/me')).toMatchObject({ status: 200 })

  expect(await call(page, '/logout', { method: 'POST' })).toMatchObject({ status: 200 })
  expect(await call(page, '/users/me')).toMatchObject({ status: 401 })
  const [device, ...others] = await context.cookies(server.url)
  expect(others).toEqual([])
  // The browser is known by it when its owner comes back; it lets nobody in.
  expect(device).toMatchObject({ name: '__Host-gatehouse-device', httpOnly: true, secure: true, sameSite: 'Lax' })
  await context.close()
})
