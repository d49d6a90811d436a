/** All use of ts-morph, which is loaded only when a module is written. */

import type { InterfaceDeclarationStructure } from 'ts-morph'

/** What a module declares: an interface, or the text of anything else. */
export type Declaration = Interface | string
export interface Interface {
  readonly name: string
  readonly isExported: boolean
  readonly doc: string
  readonly properties: readonly Property[]
}
export interface Property {
  readonly name: string
  readonly type: string
  readonly optional?: boolean
  readonly doc?: string
}

/** A module from its header and declarations, formatted. */
export async function writeModule(header: string, declarations: readonly Declaration[]): Promise<string> {
  const { IndentationText, Project, StructureKind, ts } = await import('ts-morph')
  const manipulationSettings = { indentationText: IndentationText.TwoSpaces }
  const project = new Project({ useInMemoryFileSystem: true, manipulationSettings })
  const statements = declarations.map((one): string | InterfaceDeclarationStructure => {
    if (typeof one === 'string') return `\n${one}`
    const { name, isExported, doc } = one
    const properties = one.properties.map((property) => ({
      name: property.name,
      type: property.type,
      isReadonly: true,
      hasQuestionToken: property.optional ?? false,
      docs: property.doc ? [property.doc] : [],
    }))
    return { kind: StructureKind.Interface, name, isExported, docs: doc ? [doc] : [], properties }
  })
  const file = project.createSourceFile('module.ts', { statements: [`${header}\n`, ...statements] })
  file.formatText({ indentSize: 2, semicolons: ts.SemicolonPreference.Remove, ensureNewLineAtEndOfFile: true })
  return file.getFullText()
}

/** The JavaScript of a module without its types. */
export async function toJavaScript(text: string): Promise<string> {
  const { ts } = await import('ts-morph')
  const compilerOptions = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext }
  return ts.transpileModule(text, { compilerOptions }).outputText
}

/** The declarations of a module; every export says its type, so no other file is needed. */
export async function toDeclarations(text: string): Promise<string> {
  const { ts } = await import('ts-morph')
  const compilerOptions = { declaration: true, isolatedDeclarations: true, target: ts.ScriptTarget.ESNext }
  return ts.transpileDeclaration(text, { compilerOptions, fileName: 'module.ts' }).outputText
}
