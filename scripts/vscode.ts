// Packs editors/vscode into out/attnc-vscode.vsix: a ZIP archive of the extension with two manifests.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'
import { strToU8, zipSync } from 'fflate'

const root = new URL('../', import.meta.url)
const read = (path: string): Uint8Array => readFileSync(new URL(path, root))

interface Manifest {
  readonly name: string
  readonly displayName: string
  readonly description: string
  readonly version: string
  readonly publisher: string
  readonly categories: readonly string[]
  readonly engines: { readonly vscode: string }
}

/** The code of the extension with all that it imports, but for what the editor gives. */
async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [new URL('editors/vscode/extension.ts', root).pathname],
    bundle: true,
    minify: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    external: ['vscode'],
    legalComments: 'inline',
    logLevel: 'error',
  })
  return outputFiles[0]!.contents
}

const quoted = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

const vsixManifest = ({ name, displayName, description, version, publisher, categories, engines }: Manifest): string =>
  `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="${quoted(name)}" Version="${quoted(version)}" Publisher="${quoted(publisher)}" />
    <DisplayName>${quoted(displayName)}</DisplayName>
    <Description xml:space="preserve">${quoted(description)}</Description>
    <Categories>${quoted(categories.join(','))}</Categories>
    <Tags>attn,attention,kernel,__ext_attn</Tags>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value="${quoted(engines.vscode)}" />
    </Properties>
    <License>extension/LICENSE.txt</License>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code" /></Installation>
  <Dependencies />
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true" />
    <Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/README.md" Addressable="true" />
    <Asset Type="Microsoft.VisualStudio.Services.Content.License" Path="extension/LICENSE.txt" Addressable="true" />
  </Assets>
</PackageManifest>
`

const contentTypes = `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension=".json" ContentType="application/json" />
  <Default Extension=".cjs" ContentType="application/javascript" />
  <Default Extension=".md" ContentType="text/markdown" />
  <Default Extension=".txt" ContentType="text/plain" />
  <Default Extension=".vsixmanifest" ContentType="text/xml" />
</Types>
`

/** The archive; the same sources give the same bytes. */
export async function packExtension(): Promise<Uint8Array> {
  const manifest: Manifest = JSON.parse(new TextDecoder().decode(read('editors/vscode/package.json')))
  const files = {
    '[Content_Types].xml': strToU8(contentTypes),
    'extension.vsixmanifest': strToU8(vsixManifest(manifest)),
    'extension/package.json': read('editors/vscode/package.json'),
    'extension/README.md': read('editors/vscode/README.md'),
    'extension/LICENSE.txt': read('LICENSE'),
    'extension/language-configuration.json': read('editors/vscode/language-configuration.json'),
    'extension/syntaxes/attn.tmLanguage.json': read('editors/vscode/syntaxes/attn.tmLanguage.json'),
    'extension/extension.cjs': await bundle(),
  }
  return zipSync(files, { mtime: new Date(2026, 0, 1) })
}

if (import.meta.main) {
  const path = new URL('out/attnc-vscode.vsix', root)
  mkdirSync(new URL('./', path), { recursive: true })
  const archive = await packExtension()
  writeFileSync(path, archive)
  console.log(`out/attnc-vscode.vsix: ${(archive.length / 1000).toFixed(0)} kB`)
}
