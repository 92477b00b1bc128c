import { runScenarios } from './scenarios.js'

/** Runs them against the API that `?url=` names. */
export default {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url)
    const [url = '', silent = ''] = ['url', 'silent'].map((name) => searchParams.get(name) ?? '')
    return runScenarios(url, silent).then(
      (seen) => Response.json(seen),
      (error: unknown) => new Response(String(error), { status: 500 }),
    )
  },
}
