import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What the errors of a function are, where the analysis ends: what follows is not ours, or says it with other words. */
export type Boundaries = Readonly<Record<string, readonly string[]>>;

type Body = ts.FunctionLikeDeclaration;

/**
 * Which codes of the error table the functions of src/ can throw, from the text of the program: every `new TimbreError`
 * that calls lead to, through ports to all their adapters. What is caught for good, or runs on its own, is left out.
 */
export class ThrownCodes {
  private readonly checker: ts.TypeChecker;
  private readonly sources: readonly ts.SourceFile[];
  /** Classes that extend one of ours, by the declaration of that one. */
  private readonly subclasses = new Map<ts.Node, ts.ClassDeclaration[]>();
  private readonly calls = new Map<ts.Node, { codes: Set<string>; to: Set<Body> }>();

  constructor(private readonly boundaries: Boundaries) {
    const { config } = ts.readConfigFile(`${ROOT}tsconfig.build.json`, (path) => ts.sys.readFile(path)) as {
      config: object;
    };
    const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
    const program = ts.createProgram(fileNames, options);
    this.checker = program.getTypeChecker();
    this.sources = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(`${ROOT}src/`));
    for (const source of this.sources) ts.forEachChild(source, (node) => this.noteClass(node));
  }

  /** Methods of controllers that answer a call, by `operationId`, with the arguments of its decorators. */
  operations(): Map<string, ts.MethodDeclaration> {
    const found = new Map<string, ts.MethodDeclaration>();
    const visit = (node: ts.Node): void => {
      if (ts.isMethodDeclaration(node)) {
        const id = decorators(node)
          .filter(({ expression }) => expression.getText() === 'ApiOperation')
          .map(({ arguments: [given] }) => /operationId: '(\w+)'/.exec(given?.getText() ?? '')?.[1])
          .find((name) => name !== undefined);
        if (id !== undefined) found.set(id, node);
      }
      ts.forEachChild(node, visit);
    };
    for (const source of this.sources) visit(source);
    return found;
  }

  /** A function, or a method as `Class.method`. */
  named(name: string): Body {
    const [first, method] = name.split('.');
    for (const source of this.sources) {
      for (const statement of source.statements) {
        if (ts.isFunctionDeclaration(statement) && method === undefined && statement.name?.text === first) {
          return statement;
        }
        if (!ts.isClassDeclaration(statement) || statement.name?.text !== first) continue;
        for (const member of statement.members) {
          if (ts.isMethodDeclaration(member) && member.name.getText() === method) return member;
        }
      }
    }
    throw new Error(`src/ has no ${name}`);
  }

  /** The codes that these can throw; `without`: functions that are not called in this case. */
  reachable(from: readonly Body[], without: readonly string[] = []): Set<string> {
    const codes = new Set<string>();
    const seen = new Set<Body>(from);
    const waiting = [...from];
    for (let body = waiting.pop(); body; body = waiting.pop()) {
      const name = nameOf(body);
      if (without.includes(name)) continue;
      const known = this.boundaries[name];
      if (known) {
        for (const code of known) codes.add(code);
        continue;
      }
      const { codes: own, to } = this.look(body);
      for (const code of own) codes.add(code);
      for (const next of to) {
        if (seen.has(next)) continue;
        seen.add(next);
        waiting.push(next);
      }
    }
    return codes;
  }

  /** Every code that is made anywhere: thrown, or given as the outcome of one of several. */
  everywhere(): Set<string> {
    const codes = new Set<string>();
    const visit = (node: ts.Node): void => {
      if (ts.isNewExpression(node) && node.expression.getText() === 'TimbreError') this.noteCode(node, codes);
      ts.forEachChild(node, visit);
    };
    for (const source of this.sources) visit(source);
    return codes;
  }

  private look(body: Body): { codes: Set<string>; to: Set<Body> } {
    let found = this.calls.get(body);
    if (found) return found;
    found = { codes: new Set(), to: new Set() };
    this.calls.set(body, found);
    for (const parameter of body.parameters) if (parameter.initializer) this.visit(parameter.initializer, found);
    if (body.body) this.visit(body.body, found);
    return found;
  }

  private visit(node: ts.Node, found: { codes: Set<string>; to: Set<Body> }): void {
    if (ts.isTypeNode(node) || ts.isDecorator(node)) return;
    // Nobody hears of what goes wrong there.
    if (ts.isVoidExpression(node)) return;
    if (ts.isTryStatement(node) && node.catchClause && !throws(node.catchClause.block)) {
      this.visit(node.catchClause.block, found);
      if (node.finallyBlock) this.visit(node.finallyBlock, found);
      return;
    }
    if (ts.isCallExpression(node)) {
      const { expression } = node;
      const called = ts.isPropertyAccessExpression(expression) ? expression.name.text : expression.getText();
      if (['setTimeout', 'setInterval', 'setImmediate', 'after'].includes(called)) return;
      const handler = called === 'catch' ? node.arguments[0] : called === 'then' ? node.arguments[1] : undefined;
      if (handler && ts.isFunctionLike(handler) && !throws(handler)) {
        for (const argument of node.arguments) this.visit(argument, found);
        return;
      }
    }
    if (ts.isNewExpression(node) && node.expression.getText() === 'TimbreError') this.noteCode(node, found.codes);
    if (ts.isIdentifier(node)) for (const body of this.bodiesOf(node)) found.to.add(body);
    ts.forEachChild(node, (child) => this.visit(child, found));
  }

  /** A code that is not spelled out is that of another error, which is found where it is made. */
  private noteCode(node: ts.NewExpression, codes: Set<string>): void {
    const [code] = node.arguments ?? [];
    if (!code) return;
    const type = this.checker.getTypeAtLocation(code);
    const types = type.isUnion() ? type.types : [type];
    if (types.length > MOST_CODES) return;
    for (const one of types) if (one.isStringLiteral()) codes.add(one.value);
    // The type of `a ? 'X' : 'Y'` is sometimes widened to all codes: the words are there all the same.
    const visit = (inner: ts.Node): void => {
      if (ts.isStringLiteral(inner)) codes.add(inner.text);
      ts.forEachChild(inner, visit);
    };
    if (ts.isConditionalExpression(code) || ts.isStringLiteral(code)) visit(code);
  }

  /** What an identifier stands for, where that can be called, with what overrides it. */
  private bodiesOf(node: ts.Identifier): Body[] {
    let symbol = this.checker.getSymbolAtLocation(node);
    if (symbol && (symbol.flags & ts.SymbolFlags.Alias) !== 0) symbol = this.checker.getAliasedSymbol(symbol);
    return (symbol?.declarations ?? []).flatMap((declaration): Body[] => {
      if (!declaration.getSourceFile().fileName.startsWith(`${ROOT}src/`)) return [];
      if (ts.isClassDeclaration(declaration)) {
        const made = ts.isNewExpression(node.parent) && node.parent.expression === node;
        return made ? this.madeBy(declaration) : [];
      }
      if (ts.isVariableDeclaration(declaration) && declaration.initializer) {
        return ts.isArrowFunction(declaration.initializer) ? [declaration.initializer] : [];
      }
      if (!ts.isFunctionLike(declaration) || ts.isTypeNode(declaration)) return [];
      const body = declaration as Body;
      return [body, ...this.overridesOf(body)];
    });
  }

  /** What making one of a class calls: what the streams of Node.js call by themselves is part of it. */
  private madeBy(declaration: ts.ClassDeclaration): Body[] {
    const isStream = declaration.heritageClauses?.some(({ types }) =>
      /^(Writable|Readable|Transform)\b/.test(types[0]!.getText()),
    );
    return declaration.members.filter((member): member is ts.ConstructorDeclaration | ts.MethodDeclaration => {
      return ts.isConstructorDeclaration(member) || (isStream === true && ts.isMethodDeclaration(member));
    });
  }

  private overridesOf(body: Body): Body[] {
    const { parent, name } = body;
    if (!name || !ts.isClassDeclaration(parent)) return [];
    return (this.subclasses.get(parent) ?? []).flatMap((subclass) => {
      const own = subclass.members.filter((member): member is ts.MethodDeclaration | ts.AccessorDeclaration => {
        return (ts.isMethodDeclaration(member) || ts.isAccessor(member)) && member.name.getText() === name.getText();
      });
      return own.flatMap((member) => [member, ...this.overridesOf(member)]);
    });
  }

  private noteClass(node: ts.Node): void {
    if (!ts.isClassDeclaration(node)) return;
    for (const { expression } of node.heritageClauses?.flatMap(({ types }) => types) ?? []) {
      let symbol = this.checker.getSymbolAtLocation(expression);
      if (symbol && (symbol.flags & ts.SymbolFlags.Alias) !== 0) symbol = this.checker.getAliasedSymbol(symbol);
      for (const declaration of symbol?.declarations ?? []) {
        this.subclasses.set(declaration, [...(this.subclasses.get(declaration) ?? []), node]);
      }
    }
  }
}

/** A type of more is that of all codes. */
const MOST_CODES = 10;

export function decorators(node: ts.HasDecorators): ts.CallExpression[] {
  return (ts.getDecorators(node) ?? []).map(({ expression }) => expression).filter(ts.isCallExpression);
}

function throws(node: ts.Node): boolean {
  let found = false;
  const visit = (inner: ts.Node): void => {
    if (ts.isThrowStatement(inner)) found = true;
    // `reject(error)`, `fail(error)` and `throw` in other words.
    if (ts.isNewExpression(inner) && inner.expression.getText() === 'TimbreError') found = true;
    if (ts.isCallExpression(inner) && /^(reject|fail)$/.test(inner.expression.getText())) found = true;
    if (!found) ts.forEachChild(inner, visit);
  };
  visit(node);
  return found;
}

function nameOf(body: Body): string {
  const name = body.name?.getText() ?? '';
  return ts.isClassDeclaration(body.parent) ? `${body.parent.name?.text}.${name}` : name;
}
