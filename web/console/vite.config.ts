import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

export default defineConfig({
  base: '/console/',
  plugins: [vue()],
  define: {
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
  },
  build: {
    outDir: '../../src/weili/console_built',
    emptyOutDir: true,
    // The server's policy lets nothing in from data: addresses but pictures; small files stay files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  server: {
    proxy: { '/v1': process.env.WEILI_URL ?? 'http://127.0.0.1:8000' },
  },
})
