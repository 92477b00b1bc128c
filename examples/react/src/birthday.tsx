import { type GatehouseError, unwrap } from '@gatehouse/client'
import { useSession } from '@gatehouse/client/react'
import { useEffect, useState } from 'react'
import { client } from './client.ts'
import { explain } from './explain.ts'
import { Field, Form } from './form.tsx'

/** @param username undefined until it is known */
export function Birthday({ username }: { username: string | undefined }) {
  const [birthday, setBirthday] = useState<string | null>()
  const [error, setError] = useState<GatehouseError>()
  const { status } = useSession(client)

  useEffect(() => {
    if (username === undefined || status !== 'signedIn') return
    let left = false
    // The verbs are for what most pages do; `client.api` has every route, with the same session and types.
    unwrap(client.api.user.$get({ query: { username } })).then(
      (view) => {
        if (left) return
        setBirthday(view.birthday)
        setError(undefined)
      },
      (error: GatehouseError) => left || setError(error),
    )
    return () => {
      left = true
    }
  }, [username, status]) // a session that comes back asks again

  async function change({ birthday = '' }: Record<string, string>) {
    await client.updateUser({ birthday })
    setBirthday(birthday)
    return 'Changed.'
  }

  return (
    <section aria-labelledby="birthday-title">
      <h2 id="birthday-title">Birthday</h2>
      {error && <p className="error">{explain(error)}</p>}
      {birthday !== undefined && (
        <Form action="Change birthday" submit={change}>
          <Field key={birthday} name="birthday" label="Birthday" type="date" autoComplete="bday" defaultValue={birthday ?? ''} />
        </Form>
      )}
    </section>
  )
}
