import { useState } from 'react'
import { client } from './client.ts'
import { Field, Form } from './form.tsx'

export interface EntranceProps {
  /** Why the reader is here. */
  notice: string | undefined
  onSignedIn: () => void
}

export function Entrance({ notice, onSignedIn }: EntranceProps) {
  const [isNew, setIsNew] = useState(false)

  async function enter({ username = '', password = '', birthday }: Record<string, string>) {
    if (isNew) await client.signUp({ username, password, birthday: birthday || undefined })
    await client.signIn({ username, password })
    onSignedIn()
  }

  return (
    <>
      <h1>{isNew ? 'Create an account' : 'Sign in'}</h1>
      {notice && (
        <p className="banner" role="status">
          {notice}
        </p>
      )}
      <section>
        <Form key={String(isNew)} action={isNew ? 'Create account' : 'Sign in'} submit={enter}>
          <Field name="username" label="Username" autoComplete="username" autoCapitalize="none" spellCheck={false} />
          <Field
            name="password"
            label="Password"
            type="password"
            autoComplete={isNew ? 'new-password' : 'current-password'}
            {...(isNew && { hint: 'A few words are a good one.' })}
          />
          {isNew && <Field name="birthday" label="Birthday (optional)" type="date" autoComplete="bday" />}
        </Form>
      </section>
      <p className="quiet">
        {isNew ? 'You have one?' : 'New here?'}{' '}
        <button type="button" className="plain" onClick={() => setIsNew(!isNew)}>
          {isNew ? 'Sign in' : 'Create an account'}
        </button>
      </p>
    </>
  )
}
