import { expect, test } from 'vitest'
import { freePort } from '../../../../apps/api/runtime-tests/postgres.ts'
import { type SpawnedServer, spawnServer, temporaryFolder } from '../../../../apps/api/runtime-tests/server.ts'
import { tampering } from '../account-page.ts'
import { goodPassword } from '../../../../apps/api/runtime-tests/suite/target.ts'
import type { Call, Fault } from '../gateway.ts'
import { type Stage, until } from '../stage.ts'

const banner = 'You are still signed in'
const day = 86_400_000

export function networkScenarios({ runtime, mode, visit, origin }: Stage) {
  test('a device that is offline past its access token is stale, and goes on without a sign-in', () =>
    visit(async ({ enter, context, username }) => {
      const tab = await enter()
      await context.setOffline(true)
      await tab.outlive()
      await tab.attempt()
      await tab.says(banner)
      await tab.shows(username)
      await context.setOffline(false)
      await tab.saysNoMore(banner)
      await tab.act()
    }))

  test('what was lost because the device went offline is asked for again once it is back', () =>
    visit(async ({ open, context, gateway, username }) => {
      const tab = await open()
      gateway.fault = ({ path }) => (path === '/user' ? 'away' : undefined)
      await tab.signIn(username, goodPassword)
      await tab.says('can’t be reached')
      await context.setOffline(true)
      await tab.outlive()
      await tab.button('Change password').click()
      await tab.says(banner)
      gateway.fault = () => undefined
      await context.setOffline(false)
      await tab.saysNoMore(banner)
      await tab.isWhole()
      await tab.act()
    }))

  test('a page that is loaded while the API is away waits for it', () =>
    visit(async ({ enter, gateway, username }) => {
      const tab = await enter(tampering.wrongClock)
      await tab.page.evaluate(`setClock(${day})`)
      gateway.fault = () => 'away'
      await tab.page.reload()
      await tab.says(banner)
      gateway.fault = () => undefined
      await tab.shows(username)
      await tab.saysNoMore(banner)
      await tab.act()
    }))

  test('an answer to a renewal that is lost on its way logs nobody out', () =>
    visit(async ({ enter, gateway, username, renewals, setSessions }) => {
      const tab = await enter()
      let lost = 0
      gateway.fault = ({ path }) => (path === '/token' && lost++ === 0 ? 'lost' : undefined)
      const before = renewals().length
      await tab.outlive()
      await tab.act()
      await tab.shows(username)
      expect(renewals().length - before).toBe(2)
      await setSessions(`rotate_time = rotate_time - interval '1 minute'`)
      await tab.outlive()
      await tab.act()
    }))

  test('on a slow network nothing is sent as nobody while the session is restored', () =>
    visit(async ({ enter, gateway, username, renewals, refusals }) => {
      const tab = await enter(tampering.wrongClock)
      await tab.page.evaluate(`setClock(${day})`)
      gateway.fault = () => ({ delay: 700 })
      gateway.calls.length = 0
      await tab.page.reload()
      await tab.shows(username)
      await tab.act()
      expect(renewals()).toHaveLength(1)
      expect(gateway.calls[0]?.path).toBe('/token')
      expect(await refusals()).toEqual([])
    }))

  test('a renewal that is refused for now is tried again when the server said, and not before', () =>
    visit(async ({ enter, gateway, renewals }) => {
      const status = mode === 'token' ? 429 : 503
      const tab = await enter()
      const retryAfter = 2
      const refuse = ({ path }: Call): Fault | undefined => (path === '/token' ? { status, retryAfter } : undefined)
      gateway.fault = refuse
      gateway.calls.length = 0
      await tab.outlive()
      await tab.attempt()
      await tab.says(banner)
      await until(() => renewals().length >= 2)
      for (let clicks = 0; clicks < 5; clicks++) {
        await tab.button('Try again').click()
        await tab.look()
      }
      gateway.fault = () => undefined
      await tab.saysNoMore(banner)
      const times = renewals().map(({ time }) => time)
      const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0))
      expect(Math.min(...pauses)).toBeGreaterThan(retryAfter * 1000 - 20)
      await tab.act()
    }))

  test('a server that is restarted knows the session', async () => {
    const env = { DATA_DIR: temporaryFolder(), CORS_ORIGINS: origin(), PORT: String(await freePort()) }
    let server: SpawnedServer | undefined
    const api = async () => (server = await spawnServer(runtime, env)).url
    try {
      await visit(
        async ({ enter, username }) => {
          const tab = await enter()
          await server?.stop()
          await tab.outlive()
          await tab.attempt()
          await tab.says(banner)
          server = await spawnServer(runtime, env)
          await tab.saysNoMore(banner)
          await tab.act()
          await tab.page.reload()
          await tab.shows(username)
        },
        { api },
      )
    } finally {
      await server?.stop()
    }
  })
}
