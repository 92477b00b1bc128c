import { execFile } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Browser, type BrowserContext, type Page, chromium } from 'playwright-core'
import { temporaryFolder } from './server.ts'

export type { Browser, BrowserContext, Page }

/** A name that the browser takes for 127.0.0.1: to it, a public host without TLS. */
export const publicName = 'gatehouse.test'

const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // It finds this machine and nothing else.
  `--host-resolver-rules=MAP ${publicName} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost`,
]

/** Chromium, headless: Debian's or else npm's. `TEST_BROWSER` is the path of another, or `npm` for npm's in any case. */
export async function launchBrowser(choice = process.env['TEST_BROWSER']): Promise<Browser> {
  const debian = '/usr/bin/chromium'
  const installed = choice ?? (existsSync(debian) ? debian : 'npm')
  if (installed !== 'npm') return chromium.launch({ executablePath: installed, args })
  const { executablePath, env, remove } = await unpackChromium()
  try {
    const browser = await chromium.launch({ executablePath, args, env: { ...process.env, ...env } })
    return browser.on('disconnected', remove)
  } catch (error) {
    remove()
    throw error
  }
}

export interface UnpackedChromium {
  executablePath: string
  /** What it has to be started with. */
  env: { LD_LIBRARY_PATH: string; FONTCONFIG_FILE: string }
  remove(): void
}

/** npm's Chromium in a new folder, with the shared libraries and the font that a bare machine lacks; of 64-bit x86 Linux. */
export async function unpackChromium(): Promise<UnpackedChromium> {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('Install Chromium and name it in TEST_BROWSER')
  const folder = temporaryFolder()
  // The package unpacks into TMPDIR, where it would take any file named `chromium` for its own: so into a new one, by a process
  // of its own. It adds the libraries where it believes to be on Amazon Linux.
  const unpack = `import chromium from '@sparticuz/chromium'; await chromium.executablePath()`
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', unpack], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: { TMPDIR: folder, AWS_LAMBDA_JS_RUNTIME: 'nodejs24.x' },
  })
  const fonts = join(folder, 'fonts.conf')
  const folders = [join(folder, 'fonts'), '/usr/share/fonts'].map((path) => `<dir>${path}</dir>`).join('')
  writeFileSync(fonts, `<fontconfig>${folders}<cachedir>${join(folder, 'font-cache')}</cachedir></fontconfig>`)
  return {
    executablePath: join(folder, 'chromium'),
    env: { LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'), FONTCONFIG_FILE: fonts },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A page and all that it does wrong. */
export interface WatchedPage {
  page: Page
  /** The URLs that it asked for. */
  requests: string[]
  /** The statuses of its calls that were refused (4xx), of which the browser's console tells; for a docs page no fault. */
  refusals: string[]
  /** Violations of its content security policy, errors on the console, and uncaught ones. */
  faults(): Promise<string[]>
}

const refusal = /^Failed to load resource: the server responded with a status of (4\d\d)/

export async function openWatchedPage(context: BrowserContext): Promise<WatchedPage> {
  const page = await context.newPage()
  const requests: string[] = []
  const refusals: string[] = []
  const errors: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    const status = refusal.exec(message.text())?.[1]
    if (status !== undefined) refusals.push(status)
    else if (message.type() === 'error') errors.push(message.text())
  })
  await page.addInitScript(`globalThis.violations = []
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
      violations.push(effectiveDirective + ' refuses ' + blockedURI))`)
  return { page, requests, refusals, faults: async () => [...(await page.evaluate<string[]>('violations')), ...errors] }
}
