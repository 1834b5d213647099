// Mutants of tensor arithmetic. Stryker knows operators of the language, but here x + y is `add(x, y)`.
import ts from 'typescript';

const SWAPS = {
  add: 'sub',
  sub: 'add',
  mul: 'div',
  div: 'mul',
  max: 'min',
  min: 'max',
  maximum: 'minimum',
  minimum: 'maximum',
  sum: 'mean',
  mean: 'sum',
  zeros: 'ones',
  ones: 'zeros',
  zerosLike: 'onesLike',
  onesLike: 'zerosLike',
  greater: 'less',
  greaterEqual: 'less',
  less: 'greaterEqual',
  lessEqual: 'greater',
};
/** Those of the language, for what is computed once: Stryker is told to pass over code that runs while a module loads. */
const OPERATORS = { '+': '-', '-': '+', '*': '/', '/': '*' };
const UNARY = [
  'abs',
  'exp',
  'expm1',
  'log',
  'log1p',
  'neg',
  'reciprocal',
  'sigmoid',
  'softplus',
  'sqrt',
  'square',
  'step',
  'tanh',
];
const OWN_UNARY = ['logSigmoid', 'sechSquared', 'softBound', 'softplusInverse', 'sumTrailing', 'stopGradient', 'untaped'];
const ORDERED = { sub: [0, 1], div: [0, 1], where: [1, 2], mod: [0, 1], pow: [0, 1] };
const TERMS = ['add', 'sub', 'mul', 'div'];
/** What the mathematics of kernels calls its arithmetic, `Lanes`: there x + y is `o.add(x, y)`. */
const LANES = 'o';
/** What only words an error message. */
const MESSAGES = ['invalid', 'describe'];

/**
 * Every mutant of a source: { start, end, line, original, replacement }. A binary op is exchanged for its opposite, a unary one
 * dropped, arguments change places, a term is left out or negated, a number is another one.
 */
export function opMutants(text) {
  const source = ts.createSourceFile('mutated.ts', text, ts.ScriptTarget.Latest, true);
  const found = [];
  const replace = (node, replacement) => {
    const [start, end] = [node.getStart(source), node.getEnd()];
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    found.push({ start, end, replacement, line, original: text.slice(start, end) });
  };
  const visit = (node) => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || (ts.isCallExpression(node) && MESSAGES.includes(callee(node)))) {
      return;
    }
    if (ts.isCallExpression(node)) {
      mutateCall(node, (argument) => argument.getText(source), replace);
    } else if (ts.isBinaryExpression(node) && Object.hasOwn(OPERATORS, node.operatorToken.getText())) {
      const [left, operator, right] = [node.left, node.operatorToken, node.right].map((part) => part.getText(source));
      replace(node, `${left} ${OPERATORS[operator]} ${right}`);
    } else if (ts.isNumericLiteral(node) && !isSigned(node)) {
      const value = Number(node.text);
      replace(node, Number.isSafeInteger(value) ? `${value + 1}` : `(2 * ${node.text})`);
    } else if (ts.isPrefixUnaryExpression(node) && isSigned(node.operand)) {
      replace(node, node.operand.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function mutateCall(node, textOf, replace) {
  const name = callee(node);
  const [owner, method] = name?.includes('.') ? name.split('.') : [undefined, name];
  const isOfLanes = owner === LANES || (node.arguments[0] !== undefined && textOf(node.arguments[0]) === LANES);
  const given = node.arguments.slice(owner === undefined && isOfLanes ? 1 : 0);
  const values = given.map(textOf);
  if (Object.hasOwn(SWAPS, method)) {
    replace(node.expression, `${owner ?? '__tf'}.${SWAPS[method]}`);
  }
  if (UNARY.includes(method) || OWN_UNARY.includes(method)) {
    replace(node, method === 'untaped' ? `(${values[0]})()` : values[0]);
  }
  if (Object.hasOwn(ORDERED, method)) {
    const [a, b] = ORDERED[method];
    replace(node, `${textOf(node.expression)}(${values.with(a, values[b]).with(b, values[a]).join(', ')})`);
  }
  if (TERMS.includes(method)) {
    const kept = method === 'add' || method === 'mul' ? [0, 1] : [0];
    kept.filter((i) => !ts.isNumericLiteral(given[i])).forEach((i) => replace(node, values[i]));
  }
  if (owner === LANES && method === 'fma') {
    const product = `${LANES}.mul(${values[0]}, ${values[1]})`;
    [product, values[2], `${LANES}.sub(${product}, ${values[2]})`].forEach((replacement) => replace(node, replacement));
  }
  if (owner === LANES && method === 'ifAtLeast') {
    values.slice(2).forEach((value) => replace(node, value));
  }
  const isOp = TERMS.includes(method) || UNARY.includes(method) || OWN_UNARY.includes(method) || method === 'fma';
  if (owner !== 'Math' && isReturned(node) && isOp) {
    replace(node, `${isOfLanes ? LANES : '__tf'}.neg(${textOf(node)})`);
  }
}

/** The name called, `Math.log` and `o.log` included. */
function callee({ expression }) {
  if (ts.isPropertyAccessExpression(expression) && ['Math', LANES].includes(expression.expression.getText())) {
    return expression.getText();
  }
  return ts.isIdentifier(expression) ? expression.text : undefined;
}

/** Is it the value of a function, or an element of a list that is? */
function isReturned({ parent }) {
  return ts.isReturnStatement(parent) || ts.isArrowFunction(parent) || ts.isArrayLiteralExpression(parent);
}

const isSigned = (node) =>
  ts.isNumericLiteral(node) && ts.isPrefixUnaryExpression(node.parent) && node.parent.operator === ts.SyntaxKind.MinusToken;

/** The source with all mutants in it: the one numbered `globalThis.mutant` is what runs. */
export function withMutants(text, mutants) {
  const numbered = mutants.map((mutant, number) => ({ ...mutant, number }));
  const part = (from, to, inside) => {
    let result = '';
    let at = from;
    while (inside.length > 0) {
      const start = Math.min(...inside.map((one) => one.start));
      const end = Math.max(...inside.filter((one) => one.start === start).map((one) => one.end));
      const here = inside.filter((one) => one.start === start && one.end === end);
      const within = inside.filter((one) => !here.includes(one) && one.start >= start && one.end <= end);
      const choices = here.map(({ number, replacement }) => `globalThis.mutant === ${number} ? ${replacement} : `).join('');
      result += `${text.slice(at, start)}(${choices}${part(start, end, within)})`;
      at = end;
      inside = inside.filter((one) => one.start >= end);
    }
    return result + text.slice(at, to);
  };
  return `import * as __tf from '@tensorflow/tfjs-core';${part(0, text.length, numbered)}`;
}

/** The source with every outermost function noting, when called, that it was reached: `globalThis.reached` has a `mark`. */
export function noteReached(text, mark) {
  const source = ts.createSourceFile('noted.ts', text, ts.ScriptTarget.Latest, true);
  const note = `globalThis.reached?.add(${JSON.stringify(mark)})`;
  const bodies = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body !== undefined) {
      bodies.push(node.body);
    } else {
      ts.forEachChild(node, visit);
    }
  };
  visit(source);
  return bodies.reduceRight((result, body) => {
    const [before, inside, after] = [result.slice(0, body.getStart(source)), body.getText(source), result.slice(body.getEnd())];
    return ts.isBlock(body) ? `${before}{ ${note}; ${inside} }${after}` : `${before}(${note}, ${inside})${after}`;
  }, text);
}
