/** Days in the address as the API's periods: from the one's beginning in China to the other's end. */

const DAY_MS = 86_400_000

export interface Period {
  from?: string
  to?: string
}

export function periodOf(from: string, to: string): Period {
  const period: Period = {}
  if (from) period.from = `${from}T00:00:00+08:00`
  if (to) period.to = new Date(Date.parse(`${to}T00:00:00+08:00`) + DAY_MS).toISOString()
  return period
}
