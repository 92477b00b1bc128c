import { afterAll, beforeAll, describe } from 'vitest'
import { withContract } from './contract.ts'
import { hostileSuite } from './hostile.ts'
import { inputSuite } from './input.ts'
import { massAssignmentSuite } from './mass-assignment.ts'
import { oauthSuite } from './oauth.ts'
import { securitySuite } from './security.ts'
import { administrationSuite, accountSuite } from './accounts.ts'
import { cookieSuite } from './cookies.ts'
import { sessionSuite } from './sessions.ts'
import { type Api, type Target, createApi } from './target.ts'
import { webSuite } from './web.ts'

/**
 * The one HTTP suite, against whatever `start` starts; every answer is checked against the OpenAPI document.
 *
 * @param sql runs a statement in the target's database, where the suite can reach it
 */
export function httpSuite(name: string, start: () => Promise<Target>, sql?: (statement: string) => Promise<unknown>): void {
  describe(name, () => {
    let target: Target | undefined
    let api: Api | undefined

    beforeAll(async () => {
      target = await withContract(await start())
      api = createApi(target)
    })
    afterAll(() => target?.stop())

    const started = <T>(thing: T | undefined): T => {
      if (!thing) throw new Error('the target has not started')
      return thing
    }
    accountSuite(() => started(api))
    if (sql) administrationSuite(() => started(api), sql)
    sessionSuite(() => started(api))
    cookieSuite(() => started(api))
    securitySuite(() => started(api))
    inputSuite(() => started(api))
    hostileSuite(() => started(api), { sql, step: 31 })
    massAssignmentSuite(() => started(api))
    oauthSuite(() => started(api))
    webSuite(() => started(api))
  })
}
