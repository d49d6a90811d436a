import type { Need } from './need.ts'
import { findTool } from './tool.ts'

/** A C++ compiler: what `CXX` names, or else g++ or clang++. */
export const needCompiler = (env: NodeJS.ProcessEnv = process.env, limit?: number): Promise<Need> =>
  findTool(
    {
      what: 'C++ compiler',
      programs: env.CXX ? [env.CXX] : ['g++', 'clang++'],
      args: ['--version'],
      version: firstVersion,
      required: true,
      help: 'install g++ or clang++, or name one in the variable CXX; sources are generated without it',
    },
    limit,
  )

/** Of the first line, without what stands in parentheses: distributions put their own numbers there. */
const firstVersion = (printed: string): string | undefined =>
  /\d+\.\d+(?:\.\d+)*/.exec((printed.split('\n')[0] ?? '').replace(/\([^)]*\)/g, ''))?.[0]
