import { expect, test } from 'vitest'
import { goodPassword } from '../../../../apps/api/runtime-tests/suite/target.ts'
import { drive, tampering } from '../account-page.ts'
import type { Stage } from '../stage.ts'

const ended = 'Your session has ended. Sign in to go on.'
/** What was renewed half a minute ago has no second use: who presents the token before has a copy. */
const later = `rotate_time = rotate_time - interval '1 minute'`

export function tabScenarios({ mode, visit }: Stage) {
  test('tabs share a session: its beginning, its renewal at the same moment, and its end', () =>
    visit(async ({ open, enter, username, renewals }) => {
      const second = await open()
      await second.isOut()
      const first = await enter()
      await second.shows(username)
      const before = renewals().length
      await Promise.all([first.outlive(), second.outlive()])
      await Promise.all([first.act(), second.act()])
      expect(renewals().length).toBeGreaterThan(before)
      await second.button('Sign out').click()
      await second.isOut('You are signed out.')
      await first.isOut(ended)
      await first.signIn(username, goodPassword)
      await second.shows(username)
    }))

  test('tabs that hear nothing of each other find out from the storage', () =>
    visit(async ({ open, enter, username, elsewhere, setSessions }) => {
      const first = await enter(tampering.noChannel)
      const second = await open()
      await second.shows(username)
      for (const tab of [first, second, first]) {
        await tab.outlive()
        await tab.act()
        await setSessions(later)
      }
      const { username: other } = await elsewhere.account({ birthday: '1815-12-10' })
      await second.button('Sign out').click()
      await second.signIn(other, goodPassword)
      await first.look()
      await first.outlive()
      await first.look()
      await first.shows(other)
      await first.act()
    }))

  // Cookies are shared by all tabs.
  if (mode === 'cookie') return

  test('a duplicated tab, with a copy of the storage, logs nobody out when each renews', () =>
    visit(async ({ enter, context, username, renewals, setSessions }) => {
      const first = await enter(tampering.sessionStorage)
      const opening = context.waitForEvent('page')
      await first.page.evaluate('void open(location.href)')
      const second = drive(await opening)
      await second.shows(username)
      for (const tab of [first, second, first]) {
        const before = renewals().length
        await tab.outlive()
        await tab.act()
        expect(renewals().length).toBeGreaterThan(before)
        await setSessions(later)
      }
      await second.act()
      await second.button('Sign out').click()
      await first.isOut(ended)
    }))
}
