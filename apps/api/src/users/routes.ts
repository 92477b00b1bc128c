import { type Context, Hono } from 'hono'
import { originOf } from '../audit/origin.ts'
import type { Env } from '../context.ts'
import { deadline } from '../deadline.ts'
import { problem } from '../errors.ts'
import { countingFailures, countingHashes } from '../limits/limited-passwords.ts'
import { operation } from '../openapi.ts'
import { requireUser } from '../require-user.ts'
import type { Resources } from '../resources.ts'
import { json } from '../respond.ts'
import { body, query } from '../validate.ts'
import { changeUser, deleteUser } from './change.ts'
import { register } from './register.ts'
import {
  CurrentUser,
  Message,
  UserDeletion,
  UserQuery,
  UserChanged,
  UserView,
  userBodies,
  viewChange,
  viewUser,
} from './schema.ts'
import { usernameKey } from './username.ts'

const created = 'User created successfully'
const deleted = 'User deleted successfully'

export function userRoutes(resources: Resources) {
  const { users: queries, passwords, isBreached, limits, clientAddress, revocations, audit, clock, settings } = resources
  const { NewUser, UserChange } = userBodies(settings.passwordMinLength, isBreached)
  const authenticated = requireUser(resources)
  const dependenciesOf = (c: Context<Env>) => {
    const caller = c.get('caller')
    const take = () => limits.currentPassword(caller.userId, clientAddress(c))
    const circumstances = { origin: originOf(c, clientAddress), now: clock(), signal: c.req.raw.signal }
    return { queries, passwords: countingFailures(passwords, take), revocations, caller, ...circumstances }
  }

  // Written without the final slash, served with and without it: hono's client can't call the other form.
  return new Hono<Env>()
    .post(
      '/user',
      operation({
        operationId: 'createUser',
        summary: 'Register an account',
        tag: 'users',
        path: '/user/',
        success: { description: 'The account exists.', schema: Message(created) },
        errors: ['user_exists', 'too_many_requests', 'overloaded'],
      }),
      body('json', NewUser),
      async (c) => {
        const account = c.req.valid('json')
        const take = () => limits.registration(usernameKey(account.username), clientAddress(c))
        const circumstances = { now: clock(), origin: originOf(c, clientAddress), signal: c.req.raw.signal }
        const outcome = await register({ queries, passwords: countingHashes(passwords, take), ...circumstances }, account)
        return outcome === 'created' ? json(c, { message: created } as const, 200) : problem(c, outcome)
      },
    )
    .get(
      '/user',
      operation({
        operationId: 'getUser',
        summary: 'Read an account; strangers see neither birthday nor last sign-in',
        tag: 'users',
        path: '/user/',
        success: { description: 'The account.', schema: UserView },
        errors: ['user_not_found'],
      }),
      deadline,
      authenticated,
      query(UserQuery),
      async (c) => {
        const account = await queries.findByKey(usernameKey(c.req.valid('query').username))
        if (!account) return problem(c, 'user_not_found')
        const { userId, role } = c.get('caller')
        if (role === 'admin' && account.id !== userId) {
          await audit.record({ event: 'user_read', origin: originOf(c, clientAddress), subjectId: account.id, now: clock() })
        }
        return json(c, viewUser(account, c.get('caller')), 200)
      },
    )
    .patch(
      '/user',
      operation({
        operationId: 'updateUser',
        summary: 'Change an account of one’s own, or any as an administrator',
        tag: 'users',
        path: '/user/',
        success: { description: 'The account is changed.', schema: UserChanged },
        errors: [
          'user_not_found',
          'forbidden',
          'reauthentication_required',
          'last_administrator',
          'too_many_requests',
          'overloaded',
        ],
      }),
      authenticated,
      body('json', UserChange),
      async (c) => {
        const outcome = await changeUser(dependenciesOf(c), c.req.valid('json'))
        if (typeof outcome === 'string') return problem(c, outcome)
        return json(c, viewChange(outcome), 200)
      },
    )
    .delete(
      '/user',
      operation({
        operationId: 'deleteUser',
        summary: 'Delete an account of one’s own, or any as an administrator',
        tag: 'users',
        path: '/user/',
        success: { description: 'The account is gone.', schema: Message(deleted) },
        errors: [
          'user_not_found',
          'forbidden',
          'reauthentication_required',
          'last_administrator',
          'too_many_requests',
          'overloaded',
        ],
      }),
      authenticated,
      body('form', UserDeletion),
      async (c) => {
        const outcome = await deleteUser(dependenciesOf(c), c.req.valid('form'))
        return outcome === 'deleted' ? json(c, { message: deleted } as const, 200) : problem(c, outcome)
      },
    )
    .get(
      '/users/me',
      operation({
        operationId: 'getCurrentUser',
        summary: 'Who the access token speaks for',
        tag: 'users',
        success: { description: 'The current user.', schema: CurrentUser },
      }),
      authenticated,
      (c) => {
        const { userId, username, role } = c.get('caller')
        return json(c, { id: userId, username, role }, 200)
      },
    )
}
