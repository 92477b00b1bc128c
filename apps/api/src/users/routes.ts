import { Hono } from 'hono'
import { originOf } from '../audit/origin.ts'
import type { Env } from '../context.ts'
import { deadline } from '../deadline.ts'
import { problem } from '../errors.ts'
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
  const { users: queries, passwords, revocations, audit, clock, settings, addressOf } = resources
  const { NewUser, UserChange } = userBodies(settings.passwordMinLength)
  const authenticated = requireUser(resources)

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
        errors: ['user_exists', 'overloaded'],
      }),
      body('json', NewUser),
      async (c) => {
        const circumstances = { now: clock(), origin: originOf(c, addressOf) }
        const outcome = await register({ queries, passwords, ...circumstances, signal: c.req.raw.signal }, c.req.valid('json'))
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
          await audit.record({ event: 'user_read', origin: originOf(c, addressOf), subjectId: account.id, now: clock() })
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
        errors: ['user_not_found', 'forbidden', 'reauthentication_required', 'overloaded'],
      }),
      authenticated,
      body('json', UserChange),
      async (c) => {
        const dependencies = { queries, passwords, revocations, caller: c.get('caller'), now: clock(), signal: c.req.raw.signal }
        const outcome = await changeUser(dependencies, c.req.valid('json'))
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
        errors: ['user_not_found', 'forbidden', 'reauthentication_required', 'overloaded'],
      }),
      authenticated,
      body('form', UserDeletion),
      async (c) => {
        const dependencies = { queries, passwords, revocations, caller: c.get('caller'), now: clock(), signal: c.req.raw.signal }
        const outcome = await deleteUser(dependencies, c.req.valid('form'))
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
