/** Who works here now, and what they may do. */
import { computed, shallowRef } from 'vue'
import { answered, api } from './api/client'
import { ProblemError } from './api/problem'
import type { paths } from './api/schema'

type Json<Operation> = Operation extends { content: { 'application/json': infer Body } } ? Body : never
export type Session = Json<paths['/v1/session']['get']['responses'][200]>
export type SignIn = Json<NonNullable<paths['/v1/session']['post']['requestBody']>>

export const session = shallowRef<Session | null>(null)
export const isSignedIn = computed(() => session.value !== null)
/** Why it is not known who is signed in; nothing can be shown until that is. */
export const sessionFault = shallowRef<unknown>(null)
let isAsked = false

export function may(scope: string): boolean {
  return session.value?.scopes.includes(scope) ?? false
}

/** Ask once who is signed in; a page that is opened anew begins with it. */
export async function sessionAsk(): Promise<void> {
  if (isAsked) return
  sessionFault.value = null
  try {
    session.value = await answered(api.GET('/v1/session'))
  } catch (error) {
    if (!(error instanceof ProblemError && error.problem.status === 401)) {
      sessionFault.value = error
      return
    }
  }
  isAsked = true
}

export async function signIn(body: SignIn): Promise<void> {
  sessionBegin(await answered(api.POST('/v1/session', { body })))
}

export async function signOut(): Promise<void> {
  await answered(api.DELETE('/v1/session'))
  session.value = null
}

export function sessionBegin(begun: Session): void {
  session.value = begun
  isAsked = true
}

export function sessionEnded(): void {
  session.value = null
}
