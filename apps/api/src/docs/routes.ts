import { Hono } from 'hono'
import { z } from 'zod'
import type { Env } from '../context.ts'
import { problem } from '../errors.ts'
import { operation } from '../openapi.ts'
import { respond } from '../respond.ts'

/** The files of the docs page by name, or undefined for any other name. */
export type DocsAssets = (name: string) => Promise<{ body: Uint8Array<ArrayBuffer>; type: string } | undefined>

/** Nothing from elsewhere, nothing inline. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const pageHeaders = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': contentSecurityPolicy }

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gatehouse API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`

const startScript = {
  body: new TextEncoder().encode(`SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true })\n`),
  type: 'text/javascript; charset=utf-8',
}

const OpenApiDocument = z.looseObject({ openapi: z.string() }).meta({ id: 'OpenApiDocument' })

/** @param describe the OpenAPI document as JSON, made at the first request */
export function docsRoutes(describe: () => string, assets: DocsAssets) {
  return new Hono<Env>()
    .get(
      '/openapi.json',
      operation({
        operationId: 'getOpenApi',
        summary: 'This description (OpenAPI 3.1)',
        tag: 'service',
        success: { description: 'The document.', schema: OpenApiDocument },
      }),
      (c) => respond(c, describe(), 200, { 'Content-Type': 'application/json' }),
    )
    .get(
      '/docs',
      operation({
        operationId: 'getDocs',
        summary: 'The same as a page, to read and to try',
        tag: 'service',
        success: { description: 'The page.', mediaType: 'text/html' },
      }),
      (c) => respond(c, page, 200, pageHeaders),
    )
    .get('/docs/:file', async (c) => {
      // One route for both: beside a fixed path, hono's fast router can't hold a parameter.
      const file = c.req.param('file')
      const asset = file === 'start.js' ? startScript : await assets(file)
      if (!asset) return problem(c, 'not_found')
      return respond(c, asset.body, 200, { 'Content-Type': asset.type, 'Cache-Control': 'public, max-age=3600' })
    })
}
