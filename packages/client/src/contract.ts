import type { calls, errors } from './calls.ts'

declare const routes: ReturnType<typeof calls>
declare const codes: ReturnType<typeof errors>

/** Every route as a call with its input and, per status, its output. */
export const contract = routes

/** The codes that each verb can meet. */
export const verbErrors = codes
