// The built-in examples of functions that the model can call. They run in the page.

export const tools = {
  calculator: {
    description: "Computes an arithmetic expression with + - * / % ^, parentheses, sqrt, abs, round, floor, ceil, sin, cos, tan, ln, log10, pi and e.",
    parameters: { type: "object", properties: { expression: { type: "string" } }, required: ["expression"], additionalProperties: false },
    run: ({ expression }) => String(evaluate(String(expression))),
  },
  clock: {
    description: "Tells the current date, time and time zone of the user.",
    parameters: { type: "object", properties: {}, additionalProperties: false },
    run: () => new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "long" }).format(new Date()),
  },
};

export const toolDefinitions = () => Object.entries(tools).map(([name, { description, parameters }]) =>
  ({ type: "function", function: { name, description, parameters } }));

/** Runs a call of the model; what goes wrong is told to the model. */
export async function runTool(name, argumentsJson) {
  const tool = tools[name];
  if (!tool) return { error: `there is no function ${name}` };
  try {
    return { result: await tool.run(JSON.parse(argumentsJson || "{}")) };
  } catch (error) {
    return { error: error.message };
  }
}

const functions = {
  sqrt: Math.sqrt, abs: Math.abs, round: Math.round, floor: Math.floor, ceil: Math.ceil,
  sin: Math.sin, cos: Math.cos, tan: Math.tan, ln: Math.log, log10: Math.log10,
};
const constants = { pi: Math.PI, e: Math.E };
const operators = { __proto__: null, "+": [1, (a, b) => a + b], "-": [1, (a, b) => a - b], "*": [2, (a, b) => a * b], "/": [2, (a, b) => a / b], "%": [2, (a, b) => a % b], "^": [4, (a, b) => a ** b] };
const MinusPriority = 3; // -2^2 is -4, and -2*3 is (-2)*3
const MaxLength = 1_000;

/** Computes an expression by precedence climbing; no part of it is run as code. */
export function evaluate(text) {
  if (text.length > MaxLength) throw new Error(`the expression has ${text.length} characters; at most ${MaxLength} are computed`);
  const tokens = text.toLowerCase().match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+|[a-z]+\d*|[-+*/%^()]|[×÷−]|\S/g) ?? [];
  const signs = { __proto__: null, "×": "*", "÷": "/", "−": "-" };
  let at = 0;
  const peek = () => signs[tokens[at]] ?? tokens[at];
  const take = () => { const token = peek(); at++; return token; };

  const expression = least => {
    let left = operand();
    while (operators[peek()] && operators[peek()][0] >= least) {
      const sign = take();
      const [priority, apply] = operators[sign];
      left = apply(left, expression(sign === "^" ? priority : priority + 1));
    }

    return left;
  };

  const operand = () => {
    const token = take();
    if (token === undefined) throw new Error("the expression ends too early");
    if (token === "-") return -expression(MinusPriority);
    if (token === "+") return expression(MinusPriority);
    if (token === "(") {
      const value = expression(1);
      if (take() !== ")") throw new Error("a parenthesis is not closed");
      return value;
    }

    if (/^[\d.]/.test(token)) return Number(token);
    if (Object.hasOwn(constants, token)) return constants[token];
    if (Object.hasOwn(functions, token) && peek() === "(") return functions[token](operand());
    throw new Error(`"${token}" is not understood`);
  };

  const value = expression(1);
  if (at < tokens.length) throw new Error(`"${tokens[at]}" is not understood`);
  return Number.isInteger(value) ? value : Number(value.toPrecision(15));
}
