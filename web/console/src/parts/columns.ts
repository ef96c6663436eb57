import type { WordKey } from '../words'

/** A column of a table: its text, or the slot `cell-<key>`, is what a row shows. */
export interface Column<Row> {
  key: string
  title: WordKey
  text?: (row: Row) => string
  isNumber?: boolean
  /** Shown until somebody chooses otherwise; `fixed` always. */
  shown?: 'fixed' | 'first' | 'asked'
}

const KEPT = 'weili.columns.'

/** Read which columns somebody wants of a table; null when they never said. */
export function columnsKept(table: string): string[] | null {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT + table) ?? 'null')
    return Array.isArray(kept) ? kept.filter((key) => typeof key === 'string') : null
  } catch {
    return null
  }
}

export function columnsKeep(table: string, keys: readonly string[]): void {
  localStorage.setItem(KEPT + table, JSON.stringify(keys))
}
