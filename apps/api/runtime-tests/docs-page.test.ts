import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type WatchedPage, launchBrowser, openWatchedPage, publicName, unpackChromium } from './browser.ts'
import { type SpawnedServer, spawnServer, temporaryFolder } from './server.ts'
import { createApi, freshName, goodPassword } from './suite/target.ts'

describe('the docs page in a browser', () => {
  const folder = temporaryFolder()
  let server: SpawnedServer | undefined
  let browser: Browser | undefined
  let context: BrowserContext
  let api: ReturnType<typeof createApi>
  let watched: WatchedPage

  beforeAll(async () => {
    const { url, stop } = (server = await spawnServer('node', { DATA_DIR: folder }))
    api = createApi({ fetch: (path, init) => fetch(url + path, init), stop })
    browser = await launchBrowser()
    context = await browser.newContext({ viewport: { width: 1280, height: 1000 } })
    context.setDefaultTimeout(30_000)
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Opens a page of the server, which listens on a port that the system chose: the usual 8000 is not among those. */
  async function openDocs(path = '/docs', host = '127.0.0.1'): Promise<Page> {
    const { port } = new URL(server?.url ?? '')
    watched = await openWatchedPage(context)
    await watched.page.goto(`http://${host}:${port}${path}`)
    return watched.page
  }

  afterEach(async () => {
    const { page, requests, refusals } = watched
    const { origin } = new URL(page.url())
    const elsewhere = requests.filter((url) => new URL(url).origin !== origin)
    const faults = await watched.faults()
    await page.close()
    expect({ faults, refusals, elsewhere }).toEqual({ faults: [], refusals: [], elsewhere: [] })
  })

  test('shows every operation, of a public host too', async () => {
    const page = await openDocs('/docs', publicName)
    const { body } = await api.get('/openapi.json')
    const paths = Object.values(body['paths'] as Record<string, Record<string, { operationId: string }>>)
    const ids = paths.flatMap((item) => Object.values(item).map(({ operationId }) => operationId))
    const shown = () => page.locator('.opblock').evaluateAll((blocks) => blocks.map(({ id }) => id.split('-').at(-1)))
    await expect.poll(async () => new Set(await shown()), { timeout: 30_000 }).toEqual(new Set(ids))
  })

  test('calls are refused until Authorize has the right password', async () => {
    const username = freshName()
    await api.register(username)
    const page = await openDocs()
    const read = await tryOut(page, 'getUser')
    expect(await execute(read)).toMatchObject({ status: '401', body: { status: 401, code: 'not_authenticated' } })

    await page.locator('.auth-wrapper .authorize').click()
    await signIn(page, username, 'not the password')
    expect(await page.locator('.modal-ux .errors').innerText()).toContain('invalid_grant')
    await expect.poll(() => watched.refusals).toEqual(['401', '401'])
    watched.refusals.length = 0
    await signIn(page, username, goodPassword)
    await closeForms(page)

    const me = await tryOut(page, 'getCurrentUser')
    expect(await execute(me)).toMatchObject({ status: '200', body: { username, role: 'user' } })

    const update = await tryOut(page, 'updateUser')
    const editor = update.locator('textarea')
    const example = JSON.parse(await editor.inputValue()) as object
    const change = { ...example, username, password: 'another quiet harbour', current_password: goodPassword }
    await editor.fill(JSON.stringify(change))
    expect(await execute(update)).toMatchObject({ status: '200', body: { message: 'User updated successfully' } })
    const token = await api.token(username, 'another quiet harbour')
    expect((await api.get(`/user/?username=${username}`, token)).body['birthday']).toBe('1815-12-10')
  })

  test('the examples of POST /user/ and POST /login work as they stand, and Authorize takes the token', async () => {
    const page = await openDocs('/docs/', 'localhost')
    const create = await tryOut(page, 'createUser')
    expect(await execute(create)).toMatchObject({ status: '200', body: { message: 'User created successfully' } })
    const login = await tryOut(page, 'login')
    const { status, body } = await execute(login)
    expect([status, body['token_type']]).toEqual(['200', 'bearer'])

    await page.locator('.auth-wrapper .authorize').click()
    await page.locator('#auth-bearer-value').fill(String(body['access_token']))
    await page.locator('form', { hasText: 'bearer' }).getByLabel('Apply credentials').click()
    await closeForms(page)
    const read = await tryOut(page, 'getUser')
    expect(await execute(read)).toMatchObject({ status: '200', body: { username: 'ada', birthday: '1815-12-10' } })
  })

  test('the watch sees what breaks the policy', async () => {
    const page = await openDocs()
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement('style'), { textContent: 'p { color: red }' }))`,
    )
    await page.evaluate(`fetch('https://example.com/').catch(() => undefined)`)
    await expect
      .poll(watched.faults)
      .toEqual(expect.arrayContaining(['style-src-elem refuses inline', expect.stringContaining('https://example.com/')]))
    watched.faults = async () => []
  })
})

const hasNpmChromium = process.platform === 'linux' && process.arch === 'x64'

test.runIf(hasNpmChromium)('npm’s Chromium brings every library but those of the C runtime', async () => {
  const { executablePath, env, remove } = await unpackChromium()
  try {
    const lines = execFileSync('ldd', [executablePath], { env: { ...process.env, ...env }, encoding: 'utf8' })
    const libraries = [...lines.matchAll(/^\t(\S+) => (\S+)/gm)].map(([, name = '', path = '']) => ({ name, path }))
    const own = libraries.filter(({ path }) => path.startsWith(env.LD_LIBRARY_PATH)).map(({ name }) => name)
    const others = libraries.filter(({ name }) => !own.includes(name)).map(({ name }) => name)
    expect(own).toEqual(expect.arrayContaining(['libnss3.so', 'libnspr4.so', 'libnssutil3.so', 'libexpat.so.1']))
    expect(others.filter((name) => !/^lib(?:c|m|dl|pthread|gcc_s)\.so/.test(name))).toEqual([])
  } finally {
    remove()
  }
})

/** Opens an operation for trying it. */
async function tryOut(page: Page, operationId: string): Promise<Locator> {
  const operation = page.locator(`.opblock[id$="-${operationId}"]`)
  await operation.locator('.opblock-summary-control').click()
  await operation.getByRole('button', { name: 'Try it out' }).click()
  return operation
}

/** Sends the request, and reads the answer off the page. */
async function execute(operation: Locator): Promise<{ status: string; body: Record<string, unknown> }> {
  await operation.getByRole('button', { name: 'Execute' }).click()
  const answer = operation.locator('.live-responses-table tbody')
  const status = await answer.locator('.response-col_status').innerText()
  const body = await answer.locator('.highlight-code pre').innerText()
  return { status, body: JSON.parse(body) as Record<string, unknown> }
}

/** Fills in the form of the OAuth2 password flow, and sends it. */
async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.locator('#oauth_username').fill(username)
  await page.locator('#oauth_password').fill(password)
  await page.getByLabel('Apply given OAuth2 credentials').click()
}

/** Closes the forms behind Authorize, once one of them is in force. */
async function closeForms(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Remove authorization' }).waitFor()
  await page.locator('.modal-ux .close-modal').click()
  await page.locator('.modal-ux').waitFor({ state: 'detached' })
}
