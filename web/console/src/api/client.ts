/** The API as the console speaks it: by cookie, in the reader's language, a key for each action. */
import createClient from 'openapi-fetch'
import { language } from '../words'
import { isProblem, ProblemError, strangeAnswer } from './problem'
import type { components, paths } from './schema'

export type Schemas = components['schemas']

export interface Page<Row> {
  items: Row[]
  next_cursor: string | null
}

interface Asked<Answer> {
  data?: Answer | undefined
  error?: unknown
  response: Response
}

// No form and no foreign page can send this header, so that a cookie alone changes nothing.
export const api = createClient<paths>({ baseUrl: '/', headers: { 'Weili-Console': '1' } })

api.use({
  onRequest({ request }) {
    request.headers.set('Accept-Language', language.value)
    return request
  },
})

let onSignedOut: () => void = () => undefined

/** Say what is to be done when the session has ended while somebody worked. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act
}

/** Make the key of one action. The same action sent again after a failure keeps its key. */
export function actionKey(): string {
  // randomUUID is there in secure contexts only, and a sandbox may be served without TLS.
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Give what was answered; a refusal is thrown. */
export async function answered<Answer>(asked: Promise<Asked<Answer>>): Promise<Answer> {
  const told = await asked.catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new ProblemError(strangeAnswer(0))
  })
  if (told.response.ok) return told.data as Answer
  const problem = isProblem(told.error) ? told.error : strangeAnswer(told.response.status)
  if (problem.status === 401 && problem.code === 'unauthenticated') onSignedOut()
  throw new ProblemError(problem)
}
