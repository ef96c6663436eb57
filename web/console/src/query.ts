/** Filters live in the address, so that a page can be sent to a colleague and gone back to. */
import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

export interface Query {
  /** One filter's value; empty when it is not set. */
  of: (name: string) => string
  /** The filters that are set, without the page and what lies open. */
  values: ComputedRef<Record<string, string>>
  /** The same as a text: what the rows depend on. */
  filters: ComputedRef<string>
  /** Set filters; other rows follow, so their first page is shown. */
  filter: (values: Record<string, string>) => void
  /** Set what changes no filter: the page, the row that lies open. */
  put: (values: Record<string, string>) => void
}

const NO_FILTERS = new Set(['cursor', 'open'])

export function useQuery(): Query {
  const route = useRoute()
  const router = useRouter()

  function of(name: string): string {
    const value = route.query[name]
    return (Array.isArray(value) ? value[0] : value) ?? ''
  }

  function go(values: Record<string, string>): void {
    const query: Record<string, string> = {}
    for (const name of Object.keys(route.query)) query[name] = of(name)
    Object.assign(query, values)
    for (const name of Object.keys(query)) if (!query[name]) delete query[name]
    void router.push({ query })
  }

  const values = computed(() =>
    Object.fromEntries(
      Object.keys(route.query)
        .filter((name) => !NO_FILTERS.has(name))
        .sort()
        .map((name) => [name, of(name)]),
    ),
  )
  const filters = computed(() => JSON.stringify(values.value))

  return { of, values, filters, filter: (values) => go({ ...values, cursor: '' }), put: go }
}
