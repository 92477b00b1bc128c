import { createClient } from '@gatehouse/client'

/**
 * `cookie`: the browser keeps the session out of JavaScript's reach; the API has to be under the page's own origin.
 * `token`: the session is in `localStorage`; the API may be anywhere, with the page's origin in its `CORS_ORIGINS`.
 */
const mode = import.meta.env.VITE_SESSION === 'token' ? 'token' : 'cookie'

const url: string = import.meta.env.VITE_API_URL ?? '/api'

export const client = createClient(url, mode === 'token' ? { storage: () => localStorage } : { mode })
