import type { AppType } from '@gatehouse/api'
import type { ExtractSchema } from 'hono/types'

declare const schema: ExtractSchema<AppType>

/** Every route with its input and, per status, its output, printed whole into the declarations. */
export const contract = schema
