import { afterAll, beforeAll, describe } from 'vitest'
import { auditSuite } from './audit.ts'
import { withContract } from './contract.ts'
import { hostileSuite } from './hostile.ts'
import { inputSuite } from './input.ts'
import { massAssignmentSuite } from './mass-assignment.ts'
import { oauthSuite } from './oauth.ts'
import { passwordResetSuite } from './password-resets.ts'
import { securitySuite } from './security.ts'
import { accountSuite } from './accounts.ts'
import { administrationSuite } from './administration.ts'
import { cookieSuite } from './cookies.ts'
import { limitSuite } from './limits.ts'
import { ownEventSuite } from './own-events.ts'
import { recordingSuite } from './recorded.ts'
import { sessionSuite } from './sessions.ts'
import { type AdministeredTarget, type Api, createApi } from './target.ts'
import { userListSuite } from './user-list.ts'
import { webSuite } from './web.ts'

/**
 * The one HTTP suite, against whatever `start` starts; every answer is checked against the OpenAPI document.
 *
 * @param start starts a target of its own at each call, without rate limits unless they are asked for
 * @param sql runs a statement in the target's database, where the suite can reach it
 */
export function httpSuite(
  name: string,
  start: (options?: { rateLimits: boolean }) => Promise<AdministeredTarget>,
  sql?: (statement: string) => Promise<unknown>,
): void {
  describe(name, () => {
    let target: AdministeredTarget | undefined
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
    for (const suite of [administrationSuite, userListSuite, passwordResetSuite]) {
      suite(
        () => started(api),
        () => started(target).administrator,
      )
    }
    sessionSuite(() => started(api))
    ownEventSuite(() => started(api))
    if (sql) recordingSuite(() => started(api), sql)
    if (sql) auditSuite(() => started(api), sql)
    cookieSuite(() => started(api))
    securitySuite(() => started(api))
    inputSuite(() => started(api))
    hostileSuite(() => started(api), { sql, step: 31 })
    massAssignmentSuite(() => started(api))
    oauthSuite(() => started(api))
    webSuite(() => started(api))
    limitSuite(async () => withContract(await start({ rateLimits: true })))
  })
}
