import type { Page } from '../../../apps/api/runtime-tests/browser.ts'

/** What a page may be told before its own scripts run. */
export const tampering = {
  /** `letPass(milliseconds)` moves the page's own clock, the one that nobody sets. */
  patience: `{
    const now = performance.now.bind(performance)
    let passed = 0
    performance.now = () => now() + passed
    globalThis.letPass = (milliseconds) => void (passed += milliseconds)
  }`,
  noChannel: 'delete globalThis.BroadcastChannel',
  sessionStorage: `Object.defineProperty(globalThis, 'localStorage', { value: sessionStorage })`,
  /** The device's clock is off by as many milliseconds as the tab's name says; `setClock()` sets it while the page runs. */
  wrongClock: `{
    const Right = Date
    globalThis.setClock = (milliseconds) => void (globalThis.name = String(milliseconds))
    const now = () => Right.now() + Number(globalThis.name)
    globalThis.Date = class extends Right {
      constructor(...given) { given.length === 0 ? super(now()) : super(...given) }
      static now() { return now() }
    }
  }`,
}

/** The React example in a tab, as a reader uses it. */
export function drive(page: Page) {
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const input = (label: string) => page.locator('form').getByLabel(label, { exact: true })
  const fill = (label: string, value: string) => input(label).fill(value)
  const account = {
    page,
    button,
    input,
    fill,

    async signIn(username: string, password: string) {
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
      await fill('Username', username)
      await fill('Password', password)
      await button('Sign in').click()
      await account.shows(username)
    },

    /** The account of somebody who is signed in. */
    shows: (username: string) => page.getByRole('heading', { level: 1, name: username, exact: true }).waitFor(),

    /** Waits for all that the page asks for, so that a network that fails from now on fails nothing of it. */
    async isWhole() {
      await button('Change birthday').waitFor()
      await page.getByText('This device').waitFor()
    },

    /** The form to sign in, and what it says. */
    async isOut(notice?: string) {
      await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
      if (notice !== undefined) await page.getByText(notice, { exact: true }).waitFor()
    },

    says: (text: string) => page.getByText(text).first().waitFor(),
    saysNoMore: (text: string) => page.getByText(text).first().waitFor({ state: 'hidden' }),

    /** Asks for something that only somebody who is signed in may do. */
    attempt: () => button('Change birthday').click(),

    /** Does it. */
    async act() {
      await account.attempt()
      const form = page.locator('form', { has: button('Change birthday') })
      await form.getByText('Changed.').waitFor()
    },

    /** Lets the access token run out, as the page sees it. */
    outlive: (milliseconds = 86_400_000) => page.evaluate(`letPass(${milliseconds})`),

    /** The reader comes back to the tab. */
    look: () => page.evaluate(`void dispatchEvent(new Event('focus'))`),
  }
  return account
}

export type AccountPage = ReturnType<typeof drive>
