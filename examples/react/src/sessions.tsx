import type { GatehouseError, SessionView } from '@gatehouse/client'
import { useCallback, useEffect, useState } from 'react'
import { client } from './client.ts'
import { explain } from './explain.ts'

export function Sessions() {
  const [list, setList] = useState<SessionView[]>()
  const [error, setError] = useState<GatehouseError>()

  const load = useCallback(async () => {
    try {
      setList(await client.sessions())
      setError(undefined)
    } catch (caught) {
      setError(caught as GatehouseError)
    }
  }, [])

  useEffect(() => {
    void load()
    return client.onChange(({ status }) => void (status === 'signedIn' && load()))
  }, [load])

  async function end(ending: Promise<unknown>) {
    await ending.catch(setError)
    await load()
  }

  return (
    <section aria-labelledby="sessions-title">
      <h2 id="sessions-title">Where you are signed in</h2>
      {error && (
        <p role="alert" className="error">
          {explain(error)}
        </p>
      )}
      <ul>
        {list?.map((session) => (
          <li key={session.id}>
            <span>
              <strong>{session.current ? 'This device' : describe(session)}</strong>
              <span className="quiet">Last used {new Date(session.last_used).toLocaleString()}</span>
            </span>
            {!session.current && (
              <button type="button" onClick={() => end(client.endSession(session.id))}>
                End
              </button>
            )}
          </li>
        ))}
      </ul>
      {list && list.length > 1 && (
        <button type="button" onClick={() => end(client.endOtherSessions())}>
          End all others
        </button>
      )}
    </section>
  )
}

/** The browser's own words are long; the first and the last of them name it. */
function describe({ user_agent, address_prefix }: SessionView): string {
  const words = user_agent?.replace(/\s*\(.*?\)\s*/g, ' ').split(' ') ?? []
  return [words.at(-2) ?? words[0] ?? 'Another device', address_prefix].filter(Boolean).join(', ')
}
