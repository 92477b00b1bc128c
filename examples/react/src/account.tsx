import type { GatehouseError } from '@gatehouse/client'
import { useUser } from '@gatehouse/client/react'
import { useState } from 'react'
import { Birthday } from './birthday.tsx'
import { client } from './client.ts'
import { explain } from './explain.ts'
import { Field, Form } from './form.tsx'
import { Sessions } from './sessions.tsx'

/** @param onLeave is told what to say when the session ends by the reader's own wish */
export function Account({ onLeave }: { onLeave: (farewell: string | undefined) => void }) {
  const { user, error } = useUser(client)
  const [refusal, setRefusal] = useState<GatehouseError>()

  async function signOut() {
    onLeave('You are signed out.')
    // Without the server: in token mode this device has forgotten the session all the same, in cookie mode it goes on.
    await client.signOut().catch((error: GatehouseError) => {
      setRefusal(error)
      if (client.session.status !== 'signedOut') onLeave(undefined)
    })
  }

  // Tells a password manager whose password it is.
  const whose = <input hidden readOnly autoComplete="username" value={user?.username ?? ''} />

  return (
    <>
      <header>
        <h1>{user ? user.username : 'Your account'}</h1>
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      </header>
      {error && !user && <p className="error">{explain(error)}</p>}
      {refusal && (
        <p role="alert" className="error">
          Not signed out. {explain(refusal)}
        </p>
      )}
      <Birthday username={user?.username} />
      <section aria-labelledby="password-title">
        <h2 id="password-title">Password</h2>
        <Form action="Change password" submit={changePassword}>
          {whose}
          <Field name="current_password" label="Present password" type="password" autoComplete="current-password" />
          <Field name="password" label="New password" type="password" autoComplete="new-password" />
        </Form>
      </section>
      <Sessions />
      <section aria-labelledby="delete-title">
        <h2 id="delete-title">Delete account</h2>
        <Form
          danger
          action="Delete account"
          submit={async ({ current_password = '' }) => {
            await client.deleteUser({ current_password })
            onLeave('Your account is deleted.')
          }}
        >
          {whose}
          <Field
            name="current_password"
            label="Present password"
            type="password"
            autoComplete="current-password"
            hint="The account and all its sessions end at once, for good."
          />
        </Form>
      </section>
    </>
  )
}

async function changePassword({ password = '', current_password = '' }: Record<string, string>) {
  const { sessions_ended: ended = 0 } = await client.updateUser({ password, current_password })
  return ended ? `Changed. ${ended} other ${ended === 1 ? 'session' : 'sessions'} ended.` : 'Changed.'
}
