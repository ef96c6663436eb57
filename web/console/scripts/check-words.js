/**
 * Checks what the compiler can't: that every word is used, that each message has the same names to
 * fill in in both languages, that no area's words hide another's, and that no page says anything past
 * the words.
 *
 * That both languages have the same keys, and that no key is asked for that is not there, the types
 * of src/words hold.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as words from '../src/words/all.ts'

const SRC = join(import.meta.dirname, '../src')
const faults = []

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'words' ? [] : sources(path)
    return /\.(ts|vue)$/.test(entry.name) && entry.name !== 'schema.d.ts' ? [path] : []
  })
}

/** Write the messages of a tree of words under their keys. */
function messages(words, prefix = '') {
  return Object.entries(words).flatMap(([name, value]) =>
    typeof value === 'string' ? [[prefix + name, value]] : messages(value, `${prefix}${name}.`),
  )
}

const zh = new Map(messages(words.zh))
const en = new Map(messages(words.en))

const areaOf = new Map()
for (const file of readdirSync(join(SRC, 'words'))) {
  if (file === 'all.ts' || file === 'index.ts') continue
  const area = await import(join(SRC, 'words', file))
  for (const name of Object.keys(area.zh)) {
    if (areaOf.has(name)) faults.push(`${name}: in ${areaOf.get(name)} and in ${file}`)
    if (!(name in words.zh)) faults.push(`${name}: ${file} is not among all words`)
    areaOf.set(name, file)
  }
}

const names = (message) => [...message.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort().join()
for (const [key, message] of zh) {
  if (names(message) !== names(en.get(key) ?? '')) faults.push(`${key}: other names to fill in`)
  if (!message.trim() || !en.get(key)?.trim()) faults.push(`${key}: empty`)
  if (/\p{Script=Han}/u.test(en.get(key) ?? '')) faults.push(`${key}: the English has Chinese in it`)
}

const used = new Set()
const prefixes = new Set()
for (const path of sources(SRC)) {
  const text = readFileSync(path, 'utf8')
  for (const match of text.matchAll(/(['"])([a-zA-Z]\w*(?:\.\w+)+)\1/g)) used.add(match[2])
  for (const match of text.matchAll(/`((?:[a-zA-Z]\w*\.)+)\$\{/g)) prefixes.add(match[1])
  const where = path.slice(SRC.length + 1)
  const bare = text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '')
  const isSwitch = where === 'parts/LanguageSwitch.vue'
  if (!isSwitch && /\p{Script=Han}/u.test(bare)) faults.push(`${where}: Chinese outside the words`)
  const template = /<template>([\s\S]*)<\/template>/.exec(bare)?.[1] ?? ''
  for (const match of template.replace(/\{\{[\s\S]*?\}\}/g, '').matchAll(/>([^<>]*\p{L}[^<>]*)</gu)) {
    // An arrow function in an attribute leaves a piece that looks like text; text has no quote.
    if (!/["'=]/.test(match[1])) faults.push(`${where}: says “${match[1].trim()}” past the words`)
  }
}
for (const key of zh.keys()) {
  const isUsed = used.has(key) || [...prefixes].some((prefix) => key.startsWith(prefix))
  if (!isUsed) faults.push(`${key}: said nowhere`)
}

for (const fault of faults) console.error(`words: ${fault}`)
process.exitCode = faults.length ? 1 : 0
