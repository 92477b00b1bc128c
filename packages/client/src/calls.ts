import type { AppType } from '@gatehouse/api'
import type { ExtractSchema } from 'hono/types'
import type { Answer, RawOptions } from './answer.ts'
import type { InvalidRequest, OAuthProblem, Problem } from './problems.ts'
import type { CurrentUser, NewUser, SessionView } from './shapes.ts'

/**
 * The calls of every route, computed from the server's. What is not exported here has no name elsewhere: so the compiler
 * prints `contract` whole, and a reader's editor computes nothing.
 */
export declare function calls(): Node<''>

/** What each verb can meet, besides what never reached the server. */
export declare function errors(): {
  signUp: Codes<'/user', '$post'>
  signIn: Codes<'/login', '$post'>
  signOut: Codes<'/revoke' | '/logout', '$post'>
  me: Own<'/users/me', '$get'>
  updateUser: Own<'/user', '$patch'>
  deleteUser: Own<'/user', '$delete'>
  sessions: Own<'/sessions', '$get'>
  endSession: Own<'/sessions/:id', '$delete'> | 'invalid_request'
  endOtherSessions: Own<'/sessions', '$delete'>
  accessToken: Own<never, never>
}

/** All but the files that the docs page is made of. */
type Routes = Omit<ExtractSchema<AppType>, '/docs/:file'>

/** Those of its route, and those of a URL that is Gatehouse's and no route. */
type Codes<Path extends string, Method> =
  | (Path extends string ? CodeOf<EndpointAt<Path, Method>> : never)
  | 'method_not_allowed'
  | 'not_found'
type CodeOf<E> = E extends { output: { code: infer Code extends string } } ? Code : never

/** What needs a session may renew it first, and may find that there is none. */
type Own<Path extends string, Method> =
  | Codes<Path, Method>
  | Exclude<Codes<'/token', '$post'>, 'invalid_grant'>
  | 'not_authenticated'

/** What stands at one path: its methods, and the segments that follow. */
type Node<Path extends string> = {
  [Key in MethodAt<Path> | SegmentAfter<Path>]: Key extends `$${string}` ? Call<EndpointAt<Path, Key>> : Node<`${Path}/${Key}`>
}

type MethodAt<Path extends string> = Path extends keyof Routes ? keyof Routes[Path] & string : never

type SegmentAfter<Path extends string> = keyof Routes extends infer Route
  ? Route extends `${Path}/${infer Rest}`
    ? Rest extends `${infer Segment}/${string}`
      ? Segment
      : Rest
    : never
  : never

type EndpointAt<Path extends string, Method> = Path extends keyof Routes
  ? Method extends keyof Routes[Path]
    ? Routes[Path][Method]
    : never
  : never

interface Endpoint {
  input: unknown
  output: unknown
  outputFormat: string
  status: number
}

type Call<E> = [E] extends [Endpoint]
  ? {} extends E['input']
    ? (args?: Record<string, never>, options?: RawOptions) => Promise<Answers<E>>
    : (args: Input<E['input']>, options?: RawOptions) => Promise<Answers<E>>
  : never

/** One input of all that the statuses repeat, with the documented shapes. */
type Input<I> = { [Place in keyof I]: Same<I[Place], NewUser> extends true ? NewUser : I[Place] }

/** One answer per status. */
type Answers<E extends Endpoint> = { [Status in E['status']]: AnswerOf<Extract<E, { status: Status }>, Status> }[E['status']]

type AnswerOf<E extends Endpoint, Status extends number> = E['outputFormat'] extends 'json'
  ? Answer<Output<E['output'], Status>, Status>
  : Answer<unknown, Status>

/** The problems of one status are one, unless they carry more. What succeeds is none, whatever its members are called. */
type Output<O, Status extends number> = Status extends 200
  ? Documented<O>
  : Extended<O> | ([Plain<O>] extends [never] ? never : Problem<Plain<O>, Status>)

type Extended<O> = O extends { code: infer Code extends string; status: infer Status extends number }
  ? O extends { errors: unknown }
    ? InvalidRequest
    : O extends { error: infer OAuthError extends string; error_description: string }
      ? OAuthProblem<Code, Status, OAuthError>
      : O extends { error: unknown } | { checks: unknown }
        ? O
        : never
  : never
type Plain<O> = O extends { code: infer Code extends string } ? ([Extended<O>] extends [never] ? Code : never) : never

type Documented<O> =
  Same<O, CurrentUser> extends true
    ? CurrentUser
    : Same<O, { sessions: SessionView[] }> extends true
      ? { sessions: SessionView[] }
      : Nameless<O>

/** Without the names of the server's types. */
type Nameless<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? Nameless<Item>[]
    : unknown extends T
      ? unknown
      : { [Key in keyof T]: Nameless<T[Key]> }

type Same<A, B> = [A, B, keyof A, keyof B] extends [B, A, keyof B, keyof A] ? true : false
