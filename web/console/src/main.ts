import 'element-plus/dist/index.css'
import 'element-plus/theme-chalk/dark/css-vars.css'
import './styles/console.css'
import { createApp, watchEffect } from 'vue'
import { whenSignedOut } from './api/client'
import App from './App.vue'
import { router } from './router'
import { isSignedIn, sessionEnded } from './session'
import './theme'
import { t } from './words'

whenSignedOut(() => {
  // Who opens the console is asked for a session first, and has none to lose.
  if (!isSignedIn.value) return
  const { fullPath, meta } = router.currentRoute.value
  sessionEnded()
  if (!meta.isPublic) void router.replace({ path: '/sign-in', query: { next: fullPath } })
})

watchEffect(() => {
  const title = router.currentRoute.value.meta.title
  document.title = title ? `${t(title)} · ${t('app.name')}` : t('app.name')
})

createApp(App).use(router).mount('#app')
