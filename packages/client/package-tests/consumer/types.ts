import { type ErrorCode, GatehouseError, type Session, createClient, isGatehouseError, unwrap } from '@gatehouse/client'

const client = createClient('https://accounts.example.com', { headers: { 'X-App': 'consumer' }, storage: createStorage() })

/** Verbs: what they take and give. */
export async function verbs(): Promise<string> {
  await client.signUp({ username: 'ada', password: 'a quiet harbour at dawn', birthday: null })
  const session: Session = await client.signIn({ username: 'ada', password: 'a quiet harbour at dawn' })
  const { id, role } = await client.me({ signal: AbortSignal.timeout(1000) })
  const name: 'admin' | 'user' = role
  const [first] = await client.sessions()
  const ended: number = (await client.endOtherSessions()).sessions_ended
  return [id, name, first?.current, ended, describe(session)].join()
}

/** A switch over a session says when it forgets one. */
function describe(session: Session): string {
  switch (session.status) {
    case 'signedIn':
      return 'in'
    case 'signedOut':
      return 'out'
    case 'stale':
      return session.error?.code ?? 'unknown'
    default:
      return session satisfies never
  }
}

/** Raw calls: narrowed by status, then by code. */
export async function raw(): Promise<string> {
  const answer = await client.api.login.$post({ form: { username: 'ada', password: 'x' } })
  if (answer.status === 200) {
    const grant = await answer.json()
    const seconds: number = grant.expires_in
    return String(seconds)
  }
  if (answer.status === 401) {
    const { code }: { code: 'invalid_credentials' } = await answer.json()
    return code
  }
  const user = await unwrap(client.api.users.me.$get())
  return user.username
}

export async function deletion(id: string): Promise<string> {
  const answer = await client.api.sessions[':id'].$delete({ param: { id } })
  if (answer.status !== 404) return ''
  const { code } = await answer.json()
  switch (code) {
    case 'session_not_found':
      return code
    default:
      return code satisfies never
  }
}

export function codeOf(error: unknown): ErrorCode {
  if (error instanceof GatehouseError) return error.code
  return isGatehouseError(error) ? error.code : 'network_error'
}

export async function refused(): Promise<void> {
  // @ts-expect-error an account has a username
  await client.signUp({ name: 'ada', password: 'x' })
  // @ts-expect-error a birthday is a text
  await client.api.user.$post({ json: { username: 'ada', password: 'x', birthday: new Date() } })
  // @ts-expect-error a form lacks its password
  await client.api.login.$post({ form: { username: 'ada' } })
  // @ts-expect-error there is no such route
  await client.api.nope.$get()
  // @ts-expect-error there is no such method
  await client.api.users.me.$put()
  const answer = await client.api.users.me.$get()
  // @ts-expect-error the route has no such answer
  if (answer.status === 418) return
  if (answer.status === 200) {
    const user = await answer.json()
    // @ts-expect-error the user has no such member
    console.log(user.password)
  }
  const deleted = await client.api.sessions[':id'].$delete({ param: { id: '' } })
  if (deleted.status !== 404) return
  const { code } = await deleted.json()
  // @ts-expect-error one code is not handled
  code satisfies never
  // @ts-expect-error there is no such code
  const unknown: ErrorCode = 'nope'
  console.log(unknown)
}

/** A storage of one's own. */
function createStorage() {
  const items = new Map<string, string>()
  return {
    getItem: (key: string) => Promise.resolve(items.get(key) ?? null),
    setItem: (key: string, value: string) => items.set(key, value),
    removeItem: (key: string) => items.delete(key),
  }
}
