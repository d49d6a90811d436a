#!/usr/bin/env node
// Plain JavaScript that any Node can read: the version is checked before anything that needs it is loaded.
const [major, minor] = process.versions.node.split('.').map(Number)

if (major < 24 || (major === 24 && minor < 11)) {
  console.error(`attnc needs Node 24.11 or newer, this is ${process.version} (install: https://nodejs.org)`)
  process.exitCode = 2
} else {
  const { keepCompiledCode } = await import('../dist/cli/compile-cache.js')
  keepCompiledCode()
  const { main } = await import('../dist/cli/main.js')
  process.exitCode = await main(process.argv.slice(2))
}
