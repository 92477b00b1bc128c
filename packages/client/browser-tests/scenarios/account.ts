import { test } from 'vitest'
import { goodPassword } from '../../../../apps/api/runtime-tests/suite/target.ts'
import type { Stage } from '../stage.ts'

export function accountScenarios({ visit }: Stage) {
  test('an account from its beginning to its end', ({ expect }) =>
    visit(async ({ open, elsewhere, username }) => {
      const tab = await open()
      await tab.button('Create an account').click()
      await tab.fill('Username', username)
      await tab.fill('Password', 'short')
      await tab.button('Create account').click()
      await tab.says('look at the marked fields')
      const password = tab.input('Password')
      expect(await password.getAttribute('aria-invalid')).toBe('true')
      const hint = tab.page.locator(`[id="${await password.getAttribute('aria-describedby')}"]`)
      expect(await hint.textContent()).toMatch(/8 to 256/)
      await tab.fill('Password', goodPassword)
      await tab.button('Create account').click()
      await tab.says('This username is taken.')
      const name = `${username}-2`
      await tab.fill('Username', name)
      await tab.fill('Birthday (optional)', '1815-12-10')
      await tab.button('Create account').click()
      await tab.shows(name)
      await tab.page.reload()
      await tab.shows(name)

      await tab.fill('Birthday', '1852-11-27')
      await tab.act()
      const second = await elsewhere.token(name)
      await tab.page.reload()
      await tab.button('End').click()
      await tab.button('End').waitFor({ state: 'hidden' })
      expect(await tab.input('Birthday').inputValue()).toBe('1852-11-27')
      await elsewhere.untilRefused(second)

      const third = await elsewhere.token(name)
      const [present, toDelete] = await tab.input('Present password').all()
      await present?.fill('not the right one')
      await tab.fill('New password', 'another harbour at night')
      await tab.button('Change password').click()
      await tab.says('Your present password is wrong or missing.')
      await present?.fill(goodPassword)
      await tab.button('Change password').click()
      await tab.says('1 other session ended.')
      await elsewhere.untilRefused(third)

      await toDelete?.fill('another harbour at night')
      await tab.button('Delete account').click()
      await tab.isOut('Your account is deleted.')
      await tab.page.reload()
      await tab.isOut()
    }))
}
