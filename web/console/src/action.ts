/** What somebody does: whether it is under way, how it was refused, and its key. */
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { actionKey } from './api/client'
import { ProblemError } from './api/problem'

/** Gives the key for what is done, told as where it is sent and what: the same for the same. */
export type KeyFor = (...what: unknown[]) => string

export interface Action {
  isBusy: Ref<boolean>
  failure: ShallowRef<unknown>
  /** Do it; false when it was refused, or is under way already. */
  run: (work: (keyFor: KeyFor) => Promise<void>) => Promise<boolean>
}

export function useAction(): Action {
  const isBusy = ref(false)
  const failure = shallowRef<unknown>(null)
  let key = ''
  let keyOf = ''

  function keyFor(...what: unknown[]): string {
    const asked = JSON.stringify(what)
    if (!key || keyOf !== asked) {
      key = actionKey()
      keyOf = asked
    }
    return key
  }

  async function run(work: (keyFor: KeyFor) => Promise<void>): Promise<boolean> {
    if (isBusy.value) return false
    isBusy.value = true
    failure.value = null
    try {
      await work(keyFor)
      key = ''
      return true
    } catch (error) {
      failure.value = error
      // It may have been done although no answer came: then the same key finds that out.
      if (error instanceof ProblemError && !error.problem.repeatable) key = ''
      return false
    } finally {
      isBusy.value = false
    }
  }

  return { isBusy, failure, run }
}
