/** What an operator asked for can't be done; the message says why and what to do first. */
export class Refusal extends Error {
  override name = 'Refusal'
}
