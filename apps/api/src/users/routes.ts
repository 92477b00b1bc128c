import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { problem } from '../errors.ts'
import { operation } from '../openapi.ts'
import { requireUser } from '../require-user.ts'
import type { Resources } from '../resources.ts'
import { json } from '../respond.ts'
import { body, query } from '../validate.ts'
import { changeUser, deleteUser } from './change.ts'
import { register } from './register.ts'
import { CurrentUser, Message, UserDeletion, UserQuery, UserView, userBodies, viewUser } from './schema.ts'
import { usernameKey } from './username.ts'

const created = 'User created successfully'
const updated = 'User updated successfully'
const deleted = 'User deleted successfully'

export function userRoutes({ users: queries, passwords, tokens, clock, settings }: Resources) {
  const { NewUser, UserChange } = userBodies(settings.passwordMinLength)
  const authenticated = requireUser({ tokens, clock })

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
        const outcome = await register({ queries, passwords, now: clock(), signal: c.req.raw.signal }, c.req.valid('json'))
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
      authenticated,
      query(UserQuery),
      async (c) => {
        const key = usernameKey(c.req.valid('query').username)
        const [caller, target] = await Promise.all([queries.findCaller(c.get('caller').userId), queries.findByKey(key)])
        if (!caller) return problem(c, 'invalid_token')
        if (!target) return problem(c, 'user_not_found')
        return json(c, viewUser(target, caller), 200)
      },
    )
    .patch(
      '/user',
      operation({
        operationId: 'updateUser',
        summary: 'Change an account of one’s own, or any as an administrator',
        tag: 'users',
        path: '/user/',
        success: { description: 'The account is changed.', schema: Message(updated) },
        errors: ['user_not_found', 'forbidden', 'reauthentication_required', 'overloaded'],
      }),
      authenticated,
      body('json', UserChange),
      async (c) => {
        const dependencies = { queries, passwords, caller: c.get('caller'), now: clock(), signal: c.req.raw.signal }
        const outcome = await changeUser(dependencies, c.req.valid('json'))
        return outcome === 'changed' ? json(c, { message: updated } as const, 200) : problem(c, outcome)
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
        const dependencies = { queries, passwords, caller: c.get('caller'), now: clock(), signal: c.req.raw.signal }
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
      async (c) => {
        const account = await queries.findCaller(c.get('caller').userId)
        if (!account) return problem(c, 'invalid_token')
        const { id, username, role } = account
        return json(c, { id, username, role }, 200)
      },
    )
}
