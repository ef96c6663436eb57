/** How amounts, moments and ids are written. */
import { language, t } from './words'

const ZONE = 'Asia/Shanghai'
const formats = new Map<string, Intl.DateTimeFormat>()

function format(kind: 'moment' | 'day', parts: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${kind} ${language.value}`
  let found = formats.get(key)
  if (!found) {
    const locale = language.value === 'zh' ? 'zh-CN' : 'en-GB'
    found = new Intl.DateTimeFormat(locale, { timeZone: ZONE, ...parts })
    formats.set(key, found)
  }
  return found
}

/** Write whole fen as yuan; no float comes near. */
export function money(minor: number): string {
  const digits = String(Math.abs(minor)).padStart(3, '0')
  const yuan = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',')
  return `${minor < 0 ? '−' : ''}¥${yuan}.${digits.slice(-2)}`
}

/** Write a moment as the clocks in China show it. */
export function moment(at: string | null): string {
  if (!at) return '—'
  const parts = { dateStyle: 'short', timeStyle: 'medium' } as const
  return format('moment', parts).format(new Date(at))
}

/** Write a day that the API gives as 2026-11-20. */
export function day(on: string | null): string {
  if (!on) return '—'
  return format('day', { dateStyle: 'medium' }).format(new Date(`${on}T00:00:00+08:00`))
}

const LASTS = [
  ['lasts.days', 86_400],
  ['lasts.hours', 3_600],
  ['lasts.minutes', 60],
] as const

/** Write how long something lasted, in the largest unit of which it has two. */
export function lasted(seconds: number | null): string {
  if (seconds === null) return '—'
  for (const [unit, size] of LASTS) {
    if (seconds >= 2 * size) return t(unit, { n: Math.round((seconds / size) * 10) / 10 })
  }
  return t('lasts.seconds', { n: Math.round(seconds) })
}

/** Write the end of an id, which tells it from its neighbours. */
export function shortId(id: string): string {
  return `…${id.slice(-6)}`
}

/** Write the share that is left of a price after its cost; nothing where either is unknown. */
export function margin(priceMinor: number | null, costMinor: number | null): string {
  if (priceMinor === null || costMinor === null || priceMinor <= 0) return '—'
  return `${(((priceMinor - costMinor) / priceMinor) * 100).toFixed(1)}%`
}

/** Read yuan that somebody typed as whole fen; null when it is no such amount. */
export function fenOf(yuan: string): number | null {
  const found = /^(-?)(\d{1,10})(?:\.(\d{1,2}))?$/.exec(yuan.trim())
  if (!found) return null
  const [, sign, whole, cents = ''] = found
  const minor = Number(whole) * 100 + Number(cents.padEnd(2, '0'))
  return sign ? -minor : minor
}

/** Give the address of a file of exactly what a list shows: the same filters, without its page. */
export function exportLink(path: string, filters: Record<string, string>): string {
  return `${path}?${new URLSearchParams({ ...filters, format: 'xlsx' })}`
}
