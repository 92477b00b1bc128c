import { expect, test } from 'vitest'
import { tampering } from '../account-page.ts'
import type { Stage } from '../stage.ts'

const year = 365 * 86_400_000
const lifetime = 30_000

export function clockScenarios({ visit }: Stage) {
  test('tabs that stay open past the life of their access tokens are never refused', () =>
    visit(
      async ({ enter, open, renewals, refusals }) => {
        const first = await enter()
        const second = await open()
        const begun = performance.now()
        while (performance.now() - begun < lifetime + 4000) {
          await Promise.all([first.act(), second.act()])
          await first.page.waitForTimeout(1500)
        }
        expect(renewals().length).toBeGreaterThan(0)
        expect(await refusals()).toEqual([])
      },
      { long: true },
    ))

  test('a device whose clock is years off, and jumps, stays signed in', () =>
    visit(async ({ enter, username, renewals }) => {
      const begun = performance.now()
      const tab = await enter(`globalThis.name ||= '${20 * year}'`, tampering.wrongClock)
      const before = renewals().length
      for (const milliseconds of [-10 * year, 30 * year, 0]) {
        await tab.page.evaluate(`setClock(${milliseconds})`)
        await tab.look()
        await tab.act()
        await tab.page.reload()
        await tab.shows(username)
      }
      // Once for each time that the page was loaded on another clock; the jumps themselves are not noticed. And when the
      // machine takes longer than a token lives, of which a tenth is left then.
      const due = Math.floor((performance.now() - begun) / (0.9 * lifetime))
      expect(renewals().length - before).toBeLessThanOrEqual(3 + due)
    }))
}
