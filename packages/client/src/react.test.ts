import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { expect, test } from 'vitest'
import { createClient } from './index.ts'
import { useSession, useUser } from './react.ts'

test('useSession() and useUser() render on a server without a request, as what is not known yet', () => {
  const requests: string[] = []
  const fetch = (url: string) => {
    requests.push(url)
    return Response.json({})
  }
  const client = createClient('http://127.0.0.1', { fetch })
  function Account() {
    const { user, loading } = useUser(client)
    return createElement('p', null, `${useSession(client).status} ${user?.username} ${loading}`)
  }
  expect(client.session.status).toBe('signedOut')
  expect(renderToString(createElement(Account))).toBe('<p>stale undefined true</p>')
  expect(requests).toEqual([])
})
