import { sql } from 'drizzle-orm'
import type { OpenDatabase } from '../src/db/open.ts'
import { rateLimits } from '../src/db/schema.ts'
import type { Settings } from '../src/resources.ts'
import { createMemoryLog, createTestApp } from './in-process.ts'
import { type Answer, createApi, freshName, goodPassword } from './suite/target.ts'

let hosts = 0

/** An address in a network that no other test uses. */
export function freshAddress(): string {
  hosts += 1
  return `198.18.${hosts % 256}.${Math.floor(hosts / 256) + 1}`
}

export interface From {
  /** The peer: a fresh address by default, undefined where it can't be known. */
  address?: string | undefined
  headers?: Record<string, string>
}

export type LimitedApp = Awaited<ReturnType<typeof createLimitedApp>>

/** The application with its limits on, and hashes that cost nothing and are counted. Each call says where it comes from. */
export async function createLimitedApp(database: OpenDatabase, settings: Partial<Settings> = {}) {
  const log = createMemoryLog()
  const hashes = { count: 0, before: async () => {} }
  const argon2id = async ({ password, salt, length }: { password: Uint8Array; salt: Uint8Array; length: number }) => {
    await hashes.before()
    hashes.count += 1
    const digest = await crypto.subtle.digest('SHA-256', new Uint8Array([...password, 0, ...salt]))
    return new Uint8Array(digest).slice(0, length)
  }
  const addressOf = (bindings: unknown) => (bindings as { address?: string } | undefined)?.address
  const { app, resources } = await createTestApp(database, {
    settings: { rateLimits: true, ...settings },
    platform: { argon2id, addressOf, log },
  })

  const from = (origin: From = {}) => {
    const address = 'address' in origin ? origin.address : freshAddress()
    const fetch = async (path: string, init?: RequestInit) =>
      app.request(path, { ...init, headers: { ...(init?.headers as Record<string, string>), ...origin.headers } }, { address })
    return createApi({ fetch, stop: async () => undefined })
  }
  return { resources, log, hashes, from }
}

/** A wrong password, through one door or the other. */
export const wrong = (api: ReturnType<typeof createApi>, username: string, door: 'login' | 'token' = 'login'): Promise<Answer> =>
  door === 'login'
    ? api.login(username, 'not the password')
    : api.form('POST', '/token', { grant_type: 'password', username, password: 'not the password' })

/** A registered account that has never signed in. */
export async function enrol({ from }: LimitedApp): Promise<string> {
  const username = freshName()
  const { status } = await from().register(username, goodPassword)
  if (status !== 200) throw new Error(`registration answered ${status}`)
  return username
}

/** Fills what was counted by `policy` up to `points`. */
export async function fill({ db }: OpenDatabase, policy: string, points: number): Promise<void> {
  await db
    .update(rateLimits)
    .set({ points })
    .where(sql`${rateLimits.key} like ${`${policy}:%`}`)
}

export const forget = ({ db }: OpenDatabase) => db.delete(rateLimits)

export const counted = async ({ db }: OpenDatabase): Promise<Record<string, number>> =>
  Object.fromEntries((await db.select().from(rateLimits)).map(({ key, points }) => [key, points]))
