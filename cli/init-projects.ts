/** The projects that `attnc init --for` writes: which files, from which frames, and how to go on. */
import { type ProjectFrame, projects } from '../generated/projects.ts'
import { version } from '../generated/version.ts'
import type { FileToWrite } from '../runtime/write.ts'
import { sourceOf, type Template } from './init-sources.ts'
import type { toolNames } from './program-helpers.ts'

interface Project {
  readonly frames: readonly ProjectFrame[] // each is the file that its last part names
  readonly settings: readonly string[] // of attnc.config.toml, beside lengths
  readonly scripts?: Readonly<Record<string, string>> // of package.json
  readonly packages?: Readonly<Record<string, string>> // beside attnc
  readonly ignored: readonly string[] // by git, beside node_modules
  readonly next: readonly string[] // commands, after npm install; NAME is the attention
}

export type Tool = (typeof toolNames)[number]

const tools: Readonly<Record<Tool, Project>> = {
  vite: {
    frames: ['vite/index.html', 'vite/main.ts', 'vite/vite.config.ts', 'vite/tsconfig.json'],
    settings: ['target = "ts"', 'dts = true # types beside the source, for editors and tsc'],
    scripts: { dev: 'vite', build: 'vite build && tsc' },
    packages: { typescript: '~6.0.3', vite: '^8.0.0' },
    ignored: ['dist/', '*.d.attn.ts'],
    next: ['npm run dev'],
  },
  node: {
    frames: ['node/main.js'],
    settings: ['target = "ts"'],
    scripts: { start: 'node --import attnc/register main.js' },
    ignored: [],
    next: ['npm start'],
  },
  cmake: {
    frames: ['cmake/CMakeLists.txt', 'program/main.c'],
    settings: [],
    ignored: ['build/'],
    next: ['cmake -B build -Dattnc_DIR="$(npx attnc cmake-dir)"', 'cmake --build build', './build/app'],
  },
  c: {
    frames: ['c/Makefile', 'program/main.c'],
    settings: ['target = "native"', 'out = "gen"'],
    ignored: ['gen/', '*.o', 'app'],
    next: ['make', './app'],
  },
  torch: {
    frames: ['torch/main.py'],
    settings: ['target = "cuda"', 'out = "gen"', 'dtype = "f16"'],
    ignored: ['gen/', '__pycache__/'],
    next: ['npx attnc build NAME.attn --emit torch', 'pip install --no-build-isolation ./gen', 'python main.py'],
  },
}

export interface NewProject {
  readonly files: readonly FileToWrite[] // below the project's folder
  readonly next: readonly string[]
}

/** The attention is called as its template. */
export function projectOf(tool: Tool, template: Template): NewProject {
  const { frames, settings, scripts, packages = {}, ignored, next } = tools[tool]
  const view = { name: template, settings, typed: tool === 'vite' }
  const manifest = {
    private: true,
    type: 'module',
    ...(scripts ? { scripts } : {}),
    devDependencies: { attnc: `^${version}`, ...packages },
  }
  const filled = [...frames, 'any/attnc.config.toml' as const].map((frame) => ({
    path: frame.replace(/^.*\//, ''),
    content: projects[frame](view),
  }))
  return {
    files: [
      { path: `${template}.attn`, content: sourceOf(template, { name: template, further: false }) },
      ...filled,
      { path: 'package.json', content: `${JSON.stringify(manifest, null, 2)}\n` },
      { path: '.gitignore', content: ['node_modules/', ...ignored].map((line) => `${line}\n`).join('') },
    ],
    next: ['npm install', 'npx attnc verify NAME.attn', ...next].map((line) => line.replace('NAME', template)),
  }
}
