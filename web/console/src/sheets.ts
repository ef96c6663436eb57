/** Sheets that are sent, and the report of their wrong rows as a file. */
import type { Schemas } from './api/client'
import { t } from './words'

/** A sheet goes as it is, and not as JSON. */
export function sheetSent(file: File) {
  return {
    body: file as unknown as string,
    bodySerializer: (body: unknown) => body as BodyInit,
    headers: { 'Content-Type': 'application/octet-stream' },
  }
}

function quoted(cell: string | number): string {
  const text = String(cell)
  // A cell that a spreadsheet would reckon is told apart from one.
  const safe = /^[=+\-@＝＋－＠\t]/.test(text) ? `'${text}` : text
  return `"${safe.replaceAll('"', '""')}"`
}

export function badDownload(bad: readonly Schemas['BadOut'][]): void {
  const first = [t('imports.row'), t('imports.column'), t('imports.got'), t('imports.expected')]
  const rows = bad.map((one) => [one.row, one.heading || one.column, one.got, one.expected])
  const text = [first, ...rows].map((row) => row.map(quoted).join(',')).join('\r\n')
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([`\uFEFF${text}\r\n`], { type: 'text/csv' }))
  link.download = 'import-report.csv'
  link.click()
  URL.revokeObjectURL(link.href)
}
