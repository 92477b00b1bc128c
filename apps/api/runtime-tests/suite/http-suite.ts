import { afterAll, beforeAll, describe } from 'vitest'
import { withContract } from './contract.ts'
import { inputSuite } from './input.ts'
import { oauthSuite } from './oauth.ts'
import { passwordResetSuite } from './password-resets.ts'
import { securitySuite } from './security.ts'
import { accountSuite } from './accounts.ts'
import { administrationSuite } from './administration.ts'
import { cookieSuite } from './cookies.ts'
import { sessionSuite } from './sessions.ts'
import { type AdministeredTarget, type Api, createApi } from './target.ts'
import { userListSuite } from './user-list.ts'
import { webSuite } from './web.ts'

/**
 * The one HTTP suite, against whatever `start` starts; every answer is checked against the OpenAPI document.
 */
export function httpSuite(name: string, start: () => Promise<AdministeredTarget>): void {
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
    cookieSuite(() => started(api))
    securitySuite(() => started(api))
    inputSuite(() => started(api))
    oauthSuite(() => started(api))
    webSuite(() => started(api))
  })
}
