import { describe, expectTypeOf, test } from 'vitest'
import type { ErrorCode as CataloguedCode } from '../../../apps/api/src/errors.ts'
import {
  type Data,
  type Done,
  type GatehouseClient,
  type GatehouseError,
  type CurrentUser,
  type CallErrorCode,
  type NewUser,
  type RawApi,
  type ServerErrorCode,
  type SessionView,
  type UserChange,
  type UserDeletion,
  type VerbErrors,
  isGatehouseError,
} from './index.ts'

type DataOf<Call extends (...args: never[]) => Promise<unknown>> = Data<Awaited<ReturnType<Call>>>
type User = RawApi['user']
/** The names of a shape's members: a documented shape with one too many or too few is out of date. */
type Body<Call extends (args: never) => unknown, Place extends string> =
  Parameters<Call>[0] extends Record<Place, infer Fields> ? Fields : never

describe('the documented shapes are those of the routes', () => {
  test('what verbs take', () => {
    expectTypeOf<Body<User['$post'], 'json'>>().toEqualTypeOf<NewUser>()
    expectTypeOf<keyof Body<User['$patch'], 'json'>>().toEqualTypeOf<keyof UserChange>()
    expectTypeOf<UserChange & { username: string }>().toExtend<Body<User['$patch'], 'json'>>()
    expectTypeOf<Body<User['$patch'], 'json'>>().toExtend<UserChange>()
    expectTypeOf<keyof Body<User['$delete'], 'form'>>().toEqualTypeOf<keyof UserDeletion>()
    expectTypeOf<Body<User['$delete'], 'form'>>().toExtend<UserDeletion>()
  })

  test('what verbs give', () => {
    expectTypeOf<DataOf<RawApi['users']['me']['$get']>>().toEqualTypeOf<CurrentUser>()
    expectTypeOf<DataOf<RawApi['sessions']['$get']>>().toEqualTypeOf<{ sessions: SessionView[] }>()
    // Its `code` is no error's.
    type ResetCode = DataOf<RawApi['users'][':username']['password-reset']['$post']>
    expectTypeOf<ResetCode>().toEqualTypeOf<{ username: string; code: string; expires_in: number }>()
    expectTypeOf<DataOf<User['$post']>>().toExtend<Done>()
    expectTypeOf<DataOf<User['$patch']>>().toExtend<Awaited<ReturnType<GatehouseClient['updateUser']>>>()
    expectTypeOf<DataOf<User['$delete']>>().toExtend<Done>()
    expectTypeOf<DataOf<RawApi['sessions']['$delete']>>().toExtend<Awaited<ReturnType<GatehouseClient['endOtherSessions']>>>()
  })

  test('the codes', () => {
    expectTypeOf<ServerErrorCode>().toEqualTypeOf<CataloguedCode>()
    expectTypeOf<VerbErrors[keyof VerbErrors]>().toExtend<ServerErrorCode>()
    expectTypeOf<keyof VerbErrors>().toExtend<keyof GatehouseClient>()
  })
})

describe('what a compiler refuses', () => {
  const api = {} as RawApi

  test('in calls', () => {
    // @ts-expect-error a form lacks its password
    void (() => api.login.$post({ form: { username: 'ada' } }))
    // @ts-expect-error there is no such route
    void (() => api.nope.$get())
    // @ts-expect-error there is no such method
    void (() => api.users.me.$put())
    // @ts-expect-error a birthday is a string
    void (() => api.user.$post({ json: { username: 'ada', password: 'x', birthday: new Date() } }))
    // @ts-expect-error there is no such field
    void (() => api.user.$post({ json: { username: 'ada', password: 'x', admin: true } }))
    // @ts-expect-error it takes nothing
    void (() => api.users.me.$get({ query: { x: '1' } }))
  })

  test('in answers', () => {
    void (async () => {
      const answer = await api.users.me.$get()
      // @ts-expect-error it may be a problem
      void (await answer.json()).username
      // @ts-expect-error this status is never answered
      void (answer.status === 418)
      if (answer.status === 401) expectTypeOf((await answer.json()).code).toEqualTypeOf<'invalid_token' | 'not_authenticated'>()
      if (answer.ok) expectTypeOf(await answer.json()).toEqualTypeOf<CurrentUser>()
    })
  })

  test('in errors', () => {
    void ((error: unknown) => {
      if (!isGatehouseError(error, 'signUp')) return
      expectTypeOf(error).toEqualTypeOf<GatehouseError<VerbErrors['signUp'] | CallErrorCode>>()
      // @ts-expect-error signing up never meets it
      void (error.code === 'session_not_found')
      switch (error.code) {
        case 'user_exists':
        case 'invalid_request':
          return
        default:
          // @ts-expect-error not every code was looked at
          error.code satisfies never
      }
    })
  })
})
