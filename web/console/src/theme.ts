/** Light or dark: as the machine has it, until somebody chooses. */
import { computed, ref, watchEffect } from 'vue'

export type Theme = 'auto' | 'light' | 'dark'

const KEPT = 'weili.theme'
const kept = localStorage.getItem(KEPT)
export const theme = ref<Theme>(kept === 'light' || kept === 'dark' ? kept : 'auto')
const machine = window.matchMedia('(prefers-color-scheme: dark)')
const isMachineDark = ref(machine.matches)
machine.addEventListener('change', (event) => (isMachineDark.value = event.matches))

export const isDark = computed(() =>
  theme.value === 'auto' ? isMachineDark.value : theme.value === 'dark',
)

watchEffect(() => {
  document.documentElement.classList.toggle('dark', isDark.value)
  localStorage.setItem(KEPT, theme.value)
})
