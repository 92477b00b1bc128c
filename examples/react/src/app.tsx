import type { Session } from '@gatehouse/client'
import { useSession } from '@gatehouse/client/react'
import { useState } from 'react'
import { Account } from './account.tsx'
import { client } from './client.ts'
import { Entrance } from './entrance.tsx'
import { explain } from './explain.ts'

export function App() {
  const session = useSession(client)
  const [wasSignedIn, setWasSignedIn] = useState(false)
  const [farewell, setFarewell] = useState<string>()
  if (session.status === 'signedIn' && !wasSignedIn) setWasSignedIn(true)

  if (session.status === 'signedOut') {
    const notice = wasSignedIn ? (farewell ?? 'Your session has ended. Sign in to go on.') : undefined
    return (
      <main className="narrow">
        <Entrance notice={notice} onSignedIn={() => setFarewell(undefined)} />
      </main>
    )
  }
  return (
    <main>
      <Banner session={session} />
      {wasSignedIn ? <Account key={session.id} onLeave={setFarewell} /> : <p className="quiet">One moment…</p>}
    </main>
  )
}

/** While the session is `stale` nobody is signed out: what is on the page stays, and the rest follows. */
function Banner({ session }: { session: Session }) {
  if (session.status !== 'stale' || !session.error) return null
  return (
    <div className="banner" role="status">
      <span>{explain(session.error)} You are still signed in, as far as this device knows.</span>
      <button type="button" className="plain" onClick={() => client.restore()}>
        Try again
      </button>
    </div>
  )
}
