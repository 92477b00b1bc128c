import { StrictMode, createElement } from 'react'
import { createRoot, hydrateRoot } from 'react-dom/client'
import { type SessionStorage, createClient } from '../src/index.ts'
import { useSession, useUser } from '../src/react.ts'

/** What a test does in the page. */
export interface HooksPage {
  client: ReturnType<typeof createClient>
  /** The paths that were asked for. */
  requests: string[]
  /** What a component showed, each time that it rendered: the session's status, the user, the error, whether it loads. */
  shown: string[]
  /** What React had to say. */
  faults: string[]
  /** Whose calls wait, by the first path; each function lets one go. */
  held: (() => void)[]
  /** How calls are answered: at once, when a test lets them go, or not at all. */
  network: 'up' | 'held' | 'down'
  reload: () => Promise<void>
  mount(components: number, html?: string): void
  unmount(): void
}

const kept = new Map<string, string>()
const storage: SessionStorage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => kept.set(key, value),
  removeItem: (key) => kept.delete(key),
}

async function answer(url: string, init: RequestInit): Promise<Response> {
  const { pathname } = new URL(url)
  page.requests.push(pathname)
  const { network } = page
  if (network === 'down') throw new TypeError('Failed to fetch')
  if (network === 'held' && pathname === '/users/me') await new Promise<void>((resolve) => page.held.push(resolve))
  const name = new Headers(init.headers).get('Authorization')?.slice('Bearer '.length) ?? ''
  if (pathname === '/users/me') return Response.json({ id: name, username: name, role: 'user' })
  const username = init.body instanceof URLSearchParams ? (init.body.get('username') ?? init.body.get('refresh_token') ?? '') : ''
  return Response.json({ message: 'Done', access_token: username, refresh_token: username, expires_in: 1800 })
}

function Probe() {
  const { status } = useSession(page.client)
  const { user, error, loading, reload } = useUser(page.client)
  page.reload = reload
  const text = [status, user?.username ?? '-', error?.code ?? '-', loading ? 'loading' : 'idle'].join(' ')
  page.shown.push(text)
  return createElement('p', null, text)
}

let root: { unmount(): void } | undefined

const page: HooksPage = {
  client: createClient('http://api.invalid', { storage, fetch: answer, tabs: false, retries: 0 }),
  requests: [],
  shown: [],
  faults: [],
  held: [],
  network: 'up',
  reload: () => Promise.resolve(),
  mount(components, html) {
    const container = document.body.appendChild(document.createElement('div'))
    const probes = Array.from({ length: components }, (_, key) => createElement(Probe, { key }))
    const tree = createElement(StrictMode, null, probes)
    const onRecoverableError = (error: unknown) => void page.faults.push(String(error))
    if (html === undefined) {
      const created = createRoot(container, { onRecoverableError })
      created.render(tree)
      root = created
    } else {
      container.innerHTML = html
      root = hydrateRoot(container, tree, { onRecoverableError })
    }
  },
  unmount: () => root?.unmount(),
}
const report = console.error
console.error = (...words) => {
  page.faults.push(words.join(' '))
  report(...words)
}
Object.assign(globalThis, { page })
