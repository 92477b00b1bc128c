import type { Caller } from './keys/access-token.ts'

/** What middleware leaves on hono's context for the handlers behind it. */
export interface Env {
  Variables: {
    requestId: string
    /** What every answer carries, whatever it is. */
    headers: Readonly<Record<string, string>>
    /** Who the verified access token speaks for; set behind `requireUser` only. */
    caller: Caller
    /** Whether the request's body is still being read: what goes wrong then is the client's doing. */
    readingBody: boolean | undefined
    /** The code of the problem that was answered, for the request log. */
    problem: string | undefined
  }
}

/** The little of a logger that the application uses; pino has this shape. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** The present, as an argument: tests move it. */
export type Clock = () => Date
