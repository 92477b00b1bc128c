/** The source can't be read on; the message says why, in one sentence without any of its contents. */
export class SourceProblem extends Error {
  override name = 'SourceProblem'
}
