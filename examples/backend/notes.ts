import { isGatehouseError } from '@gatehouse/client'
import { createVerifier } from '@gatehouse/client/verify'

/** A service of one's own: each account has notes, and reads no others. Nothing of an account is stored but its id. */
export function createNotes(issuer: string): (request: Request) => Promise<Response> {
  const verifier = createVerifier({ issuer })
  const notes = new Map<string, string[]>()

  return async function answer(request) {
    if (new URL(request.url).pathname !== '/notes') return Response.json({ code: 'not_found' }, { status: 404 })
    try {
      const { sub, username } = await verifier.verifyRequest(request)
      const own = notes.get(sub) ?? []
      if (request.method === 'POST') notes.set(sub, [...own, await request.text()])
      return Response.json({ username, notes: notes.get(sub) ?? [] })
    } catch (error) {
      return refuse(error)
    }
  }
}

/** 401 where the token is missing or wrong, 503 where it can't be told now. Why is for the log; the caller learns the code. */
function refuse(error: unknown): Response {
  if (!isGatehouseError(error)) throw error
  console.warn(`refused: ${error.code}: ${error.detail}`)
  const headers = { 'WWW-Authenticate': error.code === 'invalid_token' ? 'Bearer error="invalid_token"' : 'Bearer' }
  return Response.json({ code: error.code }, { status: error.status, ...(error.status === 401 && { headers }) })
}
