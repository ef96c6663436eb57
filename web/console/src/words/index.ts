/** The words of the console, in Chinese and English. Chinese is the one that is written first. */
import { computed, watchEffect } from 'vue'
import { createI18n } from 'vue-i18n'
import { en, zh, type Words } from './all.ts'

export type Language = 'zh' | 'en'
type Keys<T, Before extends string = ''> = {
  [Name in keyof T & string]: T[Name] extends string
    ? `${Before}${Name}`
    : Keys<T[Name], `${Before}${Name}.`>
}[keyof T & string]
export type WordKey = Keys<Words>

const KEPT = 'weili.language'

function preferred(): Language {
  const kept = localStorage.getItem(KEPT)
  if (kept === 'zh' || kept === 'en') return kept
  const first = navigator.languages.find((tag) => /^(zh|en)\b/.test(tag))
  return first?.startsWith('en') ? 'en' : 'zh'
}

const i18n = createI18n({
  legacy: false,
  locale: preferred() as string,
  messages: { zh, en },
})

export const language = computed<Language>({
  get: () => (i18n.global.locale.value === 'en' ? 'en' : 'zh'),
  set: (chosen) => {
    i18n.global.locale.value = chosen
    localStorage.setItem(KEPT, chosen)
  },
})

watchEffect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en'
})

export function t(key: WordKey, named: Record<string, string | number> = {}): string {
  return i18n.global.t(key, named)
}

/** Say whether there is a word for a purpose of the ledger; a newer server may have others. */
export function isPurpose(name: string): name is keyof Words['purpose'] {
  return name in zh.purpose
}
