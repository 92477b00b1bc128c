import { type GatehouseError, isGatehouseError } from '@gatehouse/client'
import {
  type ComponentProps,
  type FormEvent,
  type ReactNode,
  createContext,
  useContext,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react'
import { explain } from './explain.ts'

const Refused = createContext<GatehouseError | undefined>(undefined)

export interface FormProps {
  /** Names the button. */
  action: string
  /** Does it; what it returns is shown. */
  submit: (values: Record<string, string>) => Promise<string | void>
  danger?: boolean
  children: ReactNode
}

/** A form that says what went wrong: below the field where the server names one, and above the button. */
export function Form({ action, submit, danger = false, children }: FormProps) {
  const [error, setError] = useState<GatehouseError>()
  const [done, setDone] = useState<string>()
  const [busy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)

  useEffect(() => {
    if (!error) return
    const refused = form.current?.querySelector<HTMLInputElement>('[aria-invalid=true]')
    ;(refused ?? form.current?.querySelector<HTMLInputElement>('input:not([hidden])'))?.focus()
  }, [error])

  async function send(event: FormEvent) {
    event.preventDefault()
    if (busy || !form.current) return
    setBusy(true)
    setDone(undefined)
    try {
      setDone((await submit(read(form.current))) ?? undefined)
      setError(undefined)
      form.current?.reset()
    } catch (caught) {
      if (!isGatehouseError(caught)) throw caught
      setError(caught)
    } finally {
      setBusy(false)
    }
  }

  return (
    <form ref={form} onSubmit={send} noValidate aria-busy={busy}>
      <Refused value={error}>{children}</Refused>
      <p role="alert" className="error">
        {error && explain(error)}
      </p>
      <p role="status" className="done">
        {done}
      </p>
      <button disabled={busy} className={danger ? 'danger' : ''}>
        {action}
      </button>
    </form>
  )
}

const read = (form: HTMLFormElement) =>
  Object.fromEntries([...new FormData(form)].filter((pair): pair is [string, string] => typeof pair[1] === 'string'))

export interface FieldProps extends ComponentProps<'input'> {
  name: string
  label: string
  hint?: string
}

/** A labelled input with the server's objection to it, if there is one. */
export function Field({ name, label, hint, ...input }: FieldProps) {
  const id = useId()
  const objections = useContext(Refused)?.fields.filter(({ path }) => path === name) ?? []
  const refused = objections.length > 0
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} name={name} aria-invalid={refused} aria-describedby={`${id}-hint`} {...input} />
      <p id={`${id}-hint`} className={refused ? 'error' : 'quiet'}>
        {refused ? objections.map(({ message }) => message).join('; ') : hint}
      </p>
    </div>
  )
}
