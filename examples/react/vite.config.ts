import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// The API under the page's own origin: what cookie mode needs, and token mode doesn't mind.
const proxy = {
  '/api': { target: 'http://127.0.0.1:8000', changeOrigin: false, rewrite: (path: string) => path.replace(/^\/api/, '') },
}

export default defineConfig({ plugins: [react()], server: { host: '127.0.0.1', proxy }, preview: { host: '127.0.0.1', proxy } })
