/** All use of ts-morph, which is loaded only when a module is written. */

import type { ts as compiler, SourceFile } from 'ts-morph'

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

type TypeScript = typeof compiler

/** A module, parsed once for all that is made of it. */
export interface TypedModule {
  readonly ts: TypeScript
  readonly file: SourceFile
}

/**
 * A module from its header and declarations, which are laid out already. Text stands as TypeScript's own formatter has it: two
 * empty lines before it, one after a type alias; no space after a member `new`.
 */
export async function writeModule(header: string, declarations: readonly Declaration[]): Promise<TypedModule> {
  const { Project, ts } = await import('ts-morph')
  const texts = declarations.map((one, n) => {
    if (typeof one !== 'string') return printInterface(one)
    return `${isAlias(declarations[n - 1]) ? '' : '\n'}${one.trimEnd().replace(/^ {2}new \(/gm, '  new(')}`
  })
  const project = new Project({ useInMemoryFileSystem: true, skipLoadingLibFiles: true })
  return { ts, file: project.createSourceFile('module.ts', `${[header.trimEnd(), ...texts].join('\n\n')}\n`) }
}

const isAlias = (one: Declaration | undefined): boolean => typeof one === 'string' && /^type /m.test(one)

function printInterface({ name, isExported, doc, properties }: Interface): string {
  const lines = properties.flatMap((property) => [
    ...(property.doc ? [`  /** ${property.doc} */`] : []),
    `  readonly ${property.name}${property.optional ? '?' : ''}: ${property.type}`,
  ])
  const head = `${isExported ? 'export ' : ''}interface ${name} {`
  return [...(doc ? [`/** ${doc} */`] : []), head, ...lines, '}'].join('\n')
}

/**
 * The JavaScript of a module without its types. All that a module has of TypeScript can be left out, so this needs none of
 * what `ts.transpileModule` sets up: no program, no type checker.
 */
export function toJavaScript({ ts, file }: TypedModule): string {
  const { transformed, dispose } = ts.transform(file.compilerNode, [
    (context) => (root) => eraseTypes(root, ts, context),
  ])
  const [erased] = transformed
  const text = erased ? ts.createPrinter({ newLine: ts.NewLineKind.LineFeed }).printFile(erased) : ''
  dispose()
  return text
}

function eraseTypes(
  file: compiler.SourceFile,
  ts: TypeScript,
  context: compiler.TransformationContext,
): compiler.SourceFile {
  const { factory } = context
  const erase = <T extends compiler.Node>(node: T): T => ts.visitEachChild(node, visit, context)
  const isTyped = (node: compiler.Node): node is compiler.AsExpression | compiler.SatisfiesExpression =>
    ts.isAsExpression(node) || ts.isSatisfiesExpression(node)
  function visit(node: compiler.Node): compiler.Node | undefined {
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
      return factory.createNotEmittedStatement(node)
    if (ts.isTypeNode(node) || ts.isTypeParameterDeclaration(node)) return undefined
    if (
      isTyped(node) ||
      ts.isNonNullExpression(node) ||
      (ts.isParenthesizedExpression(node) && isTyped(node.expression))
    )
      return factory.createPartiallyEmittedExpression(erased(node.expression), node)
    if (!ts.isParameter(node)) return erase(node)
    const { dotDotDotToken, name, initializer } = node
    const value = initializer && erased(initializer)
    return factory.updateParameterDeclaration(node, undefined, dotDotDotToken, erase(name), undefined, undefined, value)
  }
  const erased = (node: compiler.Expression): compiler.Expression => ts.visitNode(node, visit, ts.isExpression) ?? node
  return erase(file)
}

/** The declarations of a module; every export says its type, so no other file is needed. */
export function toDeclarations({ ts, file }: TypedModule): string {
  const compilerOptions = { declaration: true, isolatedDeclarations: true, target: ts.ScriptTarget.ESNext }
  return ts.transpileDeclaration(file.getFullText(), { compilerOptions, fileName: 'module.ts' }).outputText
}
