/**
 * Makes @huggingface/jinja write and compare values as Jinja in Python does, for which templates are written: None and True are
 * written so, lists as Python shows them; a text never equals a number; dictionaries are equal by what they hold; a text is not
 * joined with what is none; {% continue %} keeps what its turn has written. Only for a process of its own: it changes the library.
 */
import { Interpreter } from '@huggingface/jinja';

const isNumber = (value) => ['IntegerValue', 'FloatValue', 'BooleanValue'].includes(value.type);
const isText = (value) => value.type === 'StringValue';

export function equal(a, b) {
  if (isNumber(a) && isNumber(b)) return Number(a.value) === Number(b.value);
  if (a.type !== b.type) return false;
  if (Array.isArray(a.value)) {
    return a.value.length === b.value.length && a.value.every((item, i) => equal(item, b.value[i]));
  }
  if (!(a.value instanceof Map)) return a.value === b.value;
  const entries = [...a.value];
  return (
    a.value.size === b.value.size && entries.every(([key, item]) => b.value.has(key) && equal(item, b.value.get(key)))
  );
}

/** str() */
export function written(value) {
  if (isText(value)) return value.value;
  return value.type === 'UndefinedValue' ? '' : shown(value);
}

/** repr() */
function shown(value) {
  if (isText(value)) return quoted(value.value);
  if (value.type === 'NullValue') return 'None';
  if (value.type === 'BooleanValue') return value.value ? 'True' : 'False';
  if (Array.isArray(value.value)) return `[${value.value.map(shown).join(', ')}]`;
  if (value.value instanceof Map) {
    return `{${[...value.value].map(([key, item]) => `${quoted(key)}: ${shown(item)}`).join(', ')}}`;
  }
  return value.toString();
}

const escapes = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quoted(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  return (
    mark +
    text
      .replace(/[\\\n\r\t]/g, (found) => escapes[found])
      .replaceAll(mark, (found) => (found === mark && mark === "'" ? "\\'" : found)) +
    mark
  );
}

/** An operand that is evaluated already. */
class Known {
  type = 'Known';
  constructor(value) {
    this.value = value;
  }
}

const firstLetters = /(?<=^|[-\s({[<])[^-\s({[<]/gu;
const silent = new Set(['Set', 'Macro', 'Comment', 'Break', 'Continue']); // statements that write nothing

export function useFromNowOn() {
  const { evaluate, evaluateFor, evaluateBinaryExpression: library, applyFilter } = Interpreter.prototype;

  Interpreter.prototype.evaluate = function (statement, environment) {
    return statement instanceof Known ? statement.value : evaluate.call(this, statement, environment);
  };

  const loops = []; // innermost last
  const jumps = new WeakMap(); // what {% break %} and {% continue %} throw -> which of them, and what the block had written

  Interpreter.prototype.evaluateFor = function (node, environment) {
    loops.push({ body: node.body });
    try {
      return evaluateFor.call(this, node, environment);
    } finally {
      loops.pop();
    }
  };

  Interpreter.prototype.evaluateBlock = function (statements, environment) {
    const text = (value) => this.evaluate({ type: 'StringLiteral', value }, environment);
    const loop = loops.at(-1)?.body === statements ? loops.at(-1) : undefined;
    if (loop?.ended !== undefined) throw loop.ended; // the turn after the one that broke off
    let result = '';
    for (const statement of statements) {
      try {
        const value = this.evaluate(statement, environment);
        if (value.type !== 'NullValue' || !silent.has(statement.type)) result += written(value);
      } catch (error) {
        const jump = jumps.get(error) ?? { type: statement.type, text: '' };
        if (jump.type !== 'Break' && jump.type !== 'Continue') throw error;
        jumps.set(error, { ...jump, text: result + jump.text });
        if (loop === undefined) throw error;
        if (jump.type === 'Break') loop.ended = error;
        return text(result + jump.text); // what was written before the jump stays
      }
    }
    return text(result);
  };

  Interpreter.prototype.applyFilter = function (operand, filter, environment) {
    const text = (value) => this.evaluate({ type: 'StringLiteral', value }, environment);
    if (filter.value === 'string') return text(written(operand));
    if (filter.value === 'title')
      return text(
        written(operand)
          .toLowerCase()
          .replace(firstLetters, (found) => found.toUpperCase()),
      );
    return applyFilter.call(this, operand, filter, environment);
  };

  Interpreter.prototype.evaluateBinaryExpression = function (node, environment) {
    const operator = node.operator.value;
    if (operator === 'and' || operator === 'or') return library.call(this, node, environment);
    const left = this.evaluate(node.left, environment);
    const right = this.evaluate(node.right, environment);
    const boolean = (value) => this.evaluate({ type: 'Identifier', value: value ? 'true' : 'false' }, this.global);
    const text = (value) => this.evaluate({ type: 'StringLiteral', value }, environment);
    const result = () => library.call(this, { ...node, left: new Known(left), right: new Known(right) }, environment);
    switch (operator) {
      case '==':
        return boolean(equal(left, right));
      case '!=':
        return boolean(!equal(left, right));
      case 'in':
      case 'not in': {
        if (!Array.isArray(right.value)) return result();
        return boolean(right.value.some((item) => equal(item, left)) === (operator === 'in'));
      }
      case '~':
        return text(written(left) + written(right));
      case '+':
        if (isText(left) === isText(right)) return result();
        throw new Error(`a text (StringValue) and a ${isText(left) ? right.type : left.type} cannot be added`);
      case '*':
        return isText(left) && right.type === 'IntegerValue'
          ? text(left.value.repeat(Math.max(0, right.value)))
          : result();
      case '%': {
        const rest = result(); // with the sign of the divisor
        if (rest.value !== 0 && rest.value < 0 !== right.value < 0) rest.value += right.value;
        return rest;
      }
      default:
        return result();
    }
  };
}
