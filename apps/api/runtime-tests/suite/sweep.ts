import { naughtyEncodings, naughtyJson, naughtyStrings } from './naughty-strings.ts'
import { type Field, type Operation, requestOf, spellAs } from './operations.ts'
import { type Answer, type Api, freshName, goodPassword } from './target.ts'

/** What was tried in a field. `text` is undefined where no string is spelled. */
export interface Tried {
  field: Field
  spelled: string
  text: string | undefined
}

export interface SweepOptions {
  /** Of all strings in all fields, each so manyth is tried; 1 tries all. */
  step: number
  /** Whose token is sent; the account that the fields name is another one, unless there is no administrator. */
  adminToken: string | undefined
}

/** Requests that are under way at once: so few that each gets its hash in time on a busy machine. */
const batchSize = 6

/** Sends each naughty string in the fields of `operation`, which are otherwise good; tells each answer to `look`. */
export async function sweep(
  api: Api,
  operation: Operation,
  { step, adminToken }: SweepOptions,
  look: (tried: Tried, answer: Answer) => void,
): Promise<{ username: string; token: string }> {
  const victim = await api.account()
  const headers = { Authorization: `Bearer ${adminToken ?? victim.token}` }
  const attempt = async (tried: Tried): Promise<void> => {
    const username = operation.name === 'POST /user/' ? freshName() : victim.username
    const known = { username, password: goodPassword, grant_type: 'password' }
    const { path, init } = requestOf(operation, known, new Map([[tried.field, tried]]))
    if (operation.authenticated) Object.assign(init.headers, headers)
    look(tried, await api.send(path, init))
  }
  const attempts = operation.fields.flatMap(spellings).filter((_tried, index) => index % step === 0)
  for (let i = 0; i < attempts.length; i += batchSize) await Promise.all(attempts.slice(i, i + batchSize).map(attempt))
  return victim
}

function spellings(field: Field): Tried[] {
  const raw = field.place === 'json' ? naughtyJson : naughtyEncodings
  return [
    ...naughtyStrings.map((text) => ({ field, spelled: spellAs(field.place, text), text })),
    ...raw.map((spelled) => ({ field, spelled, text: undefined })),
  ]
}

/** The routes that take something; the token endpoint once per grant. */
export function sweptOperations(operations: readonly Operation[]): Operation[] {
  const passwordGrant = (operation: Operation): Operation => ({
    ...operation,
    name: `${operation.name} with a password`,
    fields: operation.fields.map((field) => ({
      ...field,
      required: field.required || ['username', 'password'].includes(field.name),
    })),
  })
  return operations
    .filter(({ fields }) => fields.length > 0)
    .flatMap((operation) => (operation.name === 'POST /token' ? [operation, passwordGrant(operation)] : [operation]))
}
