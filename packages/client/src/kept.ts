/** What `/login` and `/token` answer; without the tokens where the browser keeps them in cookies. */
export interface Grant {
  access_token?: string
  refresh_token?: string
  /** Seconds that the access token lives. */
  expires_in: number
}

/** A session as it is kept, in JSON. */
export interface Kept extends Grant {
  /** Of this sign-in, made up here: renewals keep it. */
  id: string
  /** Milliseconds on the device's clock when the grant came. The clock may be wrong: only differences are looked at. */
  saved: number
}

export function serialize({ access_token, refresh_token, expires_in }: Grant, id = Math.random().toString(36)): string {
  return JSON.stringify({ id, saved: Date.now(), expires_in, access_token, refresh_token })
}

/** What `text` holds, if it is a session of this mode. */
export function parse(text: string | null, cookies: boolean): Kept | undefined {
  try {
    const kept = JSON.parse(text ?? '') as Kept
    return kept.id && cookies === !kept.refresh_token && cookies === !kept.access_token ? kept : undefined
  } catch {
    return undefined
  }
}

/** Milliseconds that the access token still lives; 0 where the device's clock was set back. */
export function remaining({ saved, expires_in }: Kept): number {
  const passed = Date.now() - saved
  return passed < 0 ? 0 : expires_in * 1000 - passed
}
