/** One thing that somebody does: whether it is under way, how it was refused, and its key. */
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { actionKey } from './api/client'
import { ProblemError } from './api/problem'

export interface Action {
  isBusy: Ref<boolean>
  failure: ShallowRef<unknown>
  /** Do it; false when it was refused, or is under way already. */
  run: (work: (key: string) => Promise<void>) => Promise<boolean>
}

export function useAction(): Action {
  const isBusy = ref(false)
  const failure = shallowRef<unknown>(null)
  let key = ''

  async function run(work: (key: string) => Promise<void>): Promise<boolean> {
    if (isBusy.value) return false
    isBusy.value = true
    failure.value = null
    key ||= actionKey()
    try {
      await work(key)
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
