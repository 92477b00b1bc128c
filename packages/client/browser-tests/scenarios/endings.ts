import { expect, test } from 'vitest'
import { goodPassword } from '../../../../apps/api/runtime-tests/suite/target.ts'
import type { Stage, Visit } from '../stage.ts'

const ended = 'Your session has ended. Sign in to go on.'

/** How a session may end without its owner's page. */
const endings: [string, (visit: Visit) => Promise<unknown>][] = [
  ['is over for nobody used it', ({ setSessions }) => setSessions(`expire_time = now() - interval '1 second'`)],
  [
    'was ended from elsewhere',
    async ({ elsewhere, username }) => {
      const headers = { Authorization: `Bearer ${await elsewhere.token(username)}` }
      expect(await elsewhere.send('/sessions', { method: 'DELETE', headers })).toMatchObject({ body: { sessions_ended: 2 } })
    },
  ],
]

export function endingScenarios({ visit }: Stage) {
  test.each(endings)('a session that %s is signed out, with one sentence and the form', (_name, end) =>
    visit(async (visit) => {
      const { enter, open, username, renewals } = visit
      const tab = await enter()
      await end(visit)
      await tab.outlive()
      await tab.attempt()
      await tab.isOut(ended)
      expect(await tab.page.getByRole('alert').count()).toBe(0)
      const before = renewals().length
      await tab.look()
      await (await open()).isOut()
      await tab.signIn(username, goodPassword)
      await tab.act()
      expect(renewals().length).toBe(before)
    }),
  )

  test('a session that was ended from elsewhere is noticed by the next call', () =>
    visit(async (visit) => {
      const tab = await visit.enter()
      await endings[1]?.[1](visit)
      await tab.button('Change birthday').click()
      await tab.isOut(ended)
    }))
}
