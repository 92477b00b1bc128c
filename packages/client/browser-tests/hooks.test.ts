import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Browser, type Page, launchBrowser } from '../../../apps/api/runtime-tests/browser.ts'
import { temporaryFolder } from '../../../apps/api/runtime-tests/server.ts'
import type { HooksPage } from './hooks-page.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

/** Builds the page with this React, as it is while one develops: with its warnings. */
async function buildPage(alias: Record<string, string>): Promise<string> {
  const outDir = temporaryFolder()
  await build({
    configFile: false,
    logLevel: 'error',
    mode: 'development',
    define: { 'process.env.NODE_ENV': '"development"' },
    resolve: { alias },
    build: {
      outDir,
      emptyOutDir: false,
      minify: false,
      lib: { entry: fileURLToPath(new URL('hooks-page.ts', import.meta.url)), formats: ['es'], fileName: () => 'page.js' },
    },
  })
  return readFileSync(join(outDir, 'page.js'), 'utf8')
}

describe.each([
  ['19', {}],
  ['18', { react: 'react-18', 'react-dom': 'react-dom-18' }],
])('React %s', (_version, alias) => {
  let script: string
  beforeAll(async () => {
    script = await buildPage(alias)
  })

  async function open(run: (page: Page) => Promise<void>) {
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      await page.addScriptTag({ content: script, type: 'module' })
      await page.waitForFunction('"page" in globalThis')
      await run(page)
      expect(await on(page, ({ faults }) => faults)).toEqual([])
    } finally {
      await context.close()
    }
  }

  test('all components of a client share one request, and know the same', () =>
    open(async (page) => {
      await on(page, async ({ client, mount }) => {
        await client.signIn({ username: 'ada', password: 'secret' })
        mount(3)
      })
      await shows(page, 'signedIn ada - idle', 3)
      expect(await on(page, ({ requests }) => requests)).toEqual(['/login', '/users/me'])
    }))

  test('nobody sees the account of before: not after another sign-in, not by an answer that comes late', () =>
    open(async (page) => {
      await on(page, async (it) => {
        await it.client.signIn({ username: 'ada', password: 'secret' })
        it.mount(1)
      })
      await shows(page, 'signedIn ada - idle')
      await on(page, async (it) => {
        it.network = 'held'
        void it.reload()
        while (it.held.length < 1) await new Promise((resolve) => setTimeout(resolve))
        it.shown.length = 0
        await it.client.signIn({ username: 'bob', password: 'secret' })
        while (it.held.length < 2) await new Promise((resolve) => setTimeout(resolve))
        it.held.shift()?.()
        await new Promise((resolve) => setTimeout(resolve, 50))
      })
      await shows(page, 'signedIn - - loading')
      await on(page, (it) => it.held.shift()?.())
      await shows(page, 'signedIn bob - idle')
      await on(page, ({ client }) => client.signOut())
      await shows(page, 'signedOut - - idle')
      expect((await on(page, ({ shown }) => shown)).join()).not.toContain('ada')
    }))

  test('what is known stays while the server is away, and the rest is asked for again', () =>
    open(async (page) => {
      await page.clock.install()
      await on(page, async (it) => {
        await it.client.signIn({ username: 'ada', password: 'secret' })
        it.mount(1)
      })
      await shows(page, 'signedIn ada - idle')
      await on(page, async (it) => {
        it.network = 'down'
        await it.reload()
      })
      await shows(page, 'signedIn ada network_error idle')
      await on(page, async (it) => {
        it.network = 'up'
        await it.reload()
      })
      await shows(page, 'signedIn ada - idle')

      // Past the life of the access token.
      await page.clock.fastForward(3_600_000)
      await on(page, async (it) => {
        it.network = 'down'
        await it.client.restore()
      })
      await shows(page, 'stale ada network_error idle')
      await on(page, (it) => {
        it.network = 'up'
        it.shown.length = 0
      })
      await page.clock.runFor(11_000)
      await shows(page, 'signedIn ada - idle')
      expect((await on(page, ({ shown }) => shown)).filter((text) => !text.includes('ada'))).toEqual([])
    }))

  test('a first request that fails is made again without being asked for', () =>
    open(async (page) => {
      await page.clock.install()
      await on(page, async (it) => {
        await it.client.signIn({ username: 'ada', password: 'secret' })
        it.network = 'down'
        it.mount(2)
      })
      await shows(page, 'signedIn - network_error idle', 2)
      await on(page, (it) => void (it.network = 'up'))
      await page.clock.runFor(11_000)
      await shows(page, 'signedIn ada - idle', 2)
      expect(await on(page, ({ requests }) => requests)).toEqual(['/login', '/users/me', '/users/me'])
    }))

  test('what was unmounted asks for nothing and is told nothing', () =>
    open(async (page) => {
      await page.clock.install()
      await on(page, async (it) => {
        await it.client.signIn({ username: 'ada', password: 'secret' })
        it.network = 'down'
        it.mount(2)
      })
      await shows(page, 'signedIn - network_error idle', 2)
      const before = await on(page, (it) => {
        it.unmount()
        it.network = 'up'
        return [it.requests.length, it.shown.length]
      })
      // Past the life of the access token, when whoever asks renews it.
      await page.clock.fastForward(3_600_000)
      expect(await on(page, (it) => [it.requests.length, it.shown.length])).toEqual(before)
    }))

  test('a page that was rendered on a server is hydrated as it is, then knows who is signed in', () =>
    open(async (page) => {
      await on(page, async (it) => {
        await it.client.signIn({ username: 'ada', password: 'secret' })
        it.mount(1, '<p>stale - - loading</p>')
      })
      await shows(page, 'signedIn ada - idle')
      expect((await on(page, ({ shown }) => shown))[0]).toBe('stale - - loading')
    }))
})

/** Runs a function in the page. */
function on<Result>(page: Page, run: (page: HooksPage) => Result): Promise<Awaited<Result>> {
  return page.evaluate(`(${String(run)})(page)`)
}

async function shows(page: Page, text: string, times = 1): Promise<void> {
  const seen = page.locator('p').getByText(text, { exact: true })
  await seen.nth(times - 1).waitFor()
  expect(await page.locator('p').allInnerTexts()).toEqual(Array.from({ length: times }, () => text))
}
