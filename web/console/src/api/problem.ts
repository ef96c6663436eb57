import type { WordKey } from '../words'
import type { components } from './schema'

export type Problem = components['schemas']['ProblemOut']

/** A refusal, as the API tells it, or as we tell what never reached it. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail)
  }
}

/** What is said of an answer that is no problem document: the network, or a proxy, was in the way. */
export function strangeAnswer(status: number): Problem {
  return {
    type: 'about:blank',
    title: '',
    status,
    code: status === 0 ? 'unreachable' : 'unreadable',
    detail: '',
    repeatable: true,
    fields: [],
    members: {},
    request_id: '',
  }
}

export function isProblem(document: unknown): document is Problem {
  return (
    typeof document === 'object' &&
    document !== null &&
    typeof (document as Problem).code === 'string' &&
    typeof (document as Problem).detail === 'string'
  )
}

/** What the reader can do about a problem. The problem's own text says what was wrong. */
export function adviceOf(problem: Problem): WordKey {
  if (problem.status === 0) return 'problem.advice.unreachable'
  if (problem.status === 401) return 'problem.advice.signIn'
  if (problem.status === 403) return 'problem.advice.forbidden'
  if (problem.status === 404) return 'problem.advice.notFound'
  if (problem.status === 429) return 'problem.advice.wait'
  if (problem.status >= 500) return 'problem.advice.again'
  if (problem.status === 409) return 'problem.advice.reload'
  return 'problem.advice.correct'
}
