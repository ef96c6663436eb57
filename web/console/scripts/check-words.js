/**
 * Checks what the compiler can't: that every word is used, that each message has the same names to
 * fill in in both languages, and that no page says anything past the words.
 *
 * That both languages have the same keys, and that no key is asked for that is not there, the types
 * of src/words hold.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const SRC = join(import.meta.dirname, '../src')
const faults = []

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'words' ? [] : sources(path)
    return /\.(ts|vue)$/.test(entry.name) && entry.name !== 'schema.d.ts' ? [path] : []
  })
}

/** Read the messages of a file of words: its object literals, and the constants that they name. */
function messages(language) {
  const path = join(SRC, 'words', `${language}.ts`)
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true)
  const literals = new Map()
  for (const statement of file.statements.filter(ts.isVariableStatement)) {
    for (const { name, initializer } of statement.declarationList.declarations) {
      literals.set(name.getText(), initializer)
    }
  }
  const found = new Map()
  const walk = (node, prefix) => {
    for (const property of node.properties) {
      const name = property.name.getText()
      const value = ts.isShorthandPropertyAssignment(property) ? literals.get(name) : property.initializer
      if (ts.isObjectLiteralExpression(value)) walk(value, `${prefix}${name}.`)
      else found.set(prefix + name, value.text)
    }
  }
  walk(literals.get(language), '')
  return found
}

const zh = messages('zh')
const en = messages('en')
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
