// Sets a notebook: reads a document in a small markup, works out the expressions in it with a Scheme of its own,
// lays the text out in justified lines, and writes it as text and as JSON, which it reads back with a parser of
// its own. Everything is checked against what it must be; the last line says how many checks held.
"use strict";

const DIRECTORY = scriptArgs[1] || "/work";
const WIDTH = 64;
let checks = 0;

function check(what, found, expected) {
    const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
    if (left !== right) {
        throw new Error(what + ": " + left + ", not " + right);
    }
    checks++;
}

function message(action) {
    try {
        action();
    } catch (error) {
        return error.message;
    }
    return "no error";
}

// -- JSON, read and printed without the engine's own
class JsonParser {
    constructor(text) {
        this.text = text;
        this.at = 0;
    }

    static parse(text) {
        const parser = new JsonParser(text);
        const value = parser.value(0);
        parser.space();
        if (parser.at < text.length) {
            parser.fail("something follows");
        }
        return value;
    }

    fail(why) {
        throw new SyntaxError(why + " at " + this.at);
    }

    space() {
        while (this.at < this.text.length && " \t\r\n".includes(this.text[this.at])) {
            this.at++;
        }
    }

    take(literal) {
        this.space();
        if (!this.text.startsWith(literal, this.at)) {
            return false;
        }
        this.at += literal.length;
        return true;
    }

    expect(literal) {
        if (!this.take(literal)) {
            this.fail("no " + literal);
        }
    }

    value(depth) {
        if (depth > 32) {
            this.fail("too deep");
        }
        for (const [literal, value] of [["null", null], ["true", true], ["false", false]]) {
            if (this.take(literal)) {
                return value;
            }
        }
        if (this.take("[")) {
            return this.array(depth);
        }
        if (this.take("{")) {
            return this.object(depth);
        }
        return this.text[this.at] === '"' ? this.string() : this.number();
    }

    array(depth) {
        const items = [];
        if (this.take("]")) {
            return items;
        }
        do {
            items.push(this.value(depth + 1));
        } while (this.take(","));
        this.expect("]");
        return items;
    }

    object(depth) {
        const members = {};
        if (this.take("}")) {
            return members;
        }
        do {
            this.space();
            const key = this.string();
            this.expect(":");
            members[key] = this.value(depth + 1);
        } while (this.take(","));
        this.expect("}");
        return members;
    }

    number() {
        const match = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/.exec(this.text.slice(this.at, this.at + 40));
        if (match === null) {
            this.fail("no value");
        }
        this.at += match[0].length;
        return Number(match[0]);
    }

    string() {
        this.expect('"');
        let result = "";
        for (;;) {
            const letter = this.text[this.at++];
            if (letter === undefined) {
                this.fail("a string without an end");
            } else if (letter === '"') {
                return result;
            } else if (letter === "\\") {
                result += this.escape();
            } else {
                result += letter;
            }
        }
    }

    escape() {
        const letter = this.text[this.at++];
        if (letter === "u") {
            const digits = this.text.slice(this.at, this.at + 4);
            if (!/^[0-9a-fA-F]{4}$/.test(digits)) {
                this.fail("no code");
            }
            this.at += 4;
            return String.fromCharCode(parseInt(digits, 16));
        }
        const index = 'bfnrt"\\/'.indexOf(letter);
        if (index < 0) {
            this.fail("no escape");
        }
        return '\b\f\n\r\t"\\/'[index];
    }
}

function printJson(value, indent = "") {
    if (Array.isArray(value)) {
        return value.length ? block("[", "]", value.map((item) => printJson(item, indent + "  ")), indent) : "[]";
    }
    if (value !== null && typeof value === "object") {
        const members = Object.keys(value).sort();
        const lines = members.map((key) => printString(key) + ": " + printJson(value[key], indent + "  "));
        return lines.length ? block("{", "}", lines, indent) : "{}";
    }
    return typeof value === "string" ? printString(value) : String(value);
}

function block(open, close, lines, indent) {
    return open + "\n" + lines.map((line) => indent + "  " + line).join(",\n") + "\n" + indent + close;
}

function printString(text) {
    const escaped = Array.from(text, (letter) => {
        const index = '"\\\n\t'.indexOf(letter);
        if (index >= 0) {
            return "\\" + '"\\nt'[index];
        }
        const code = letter.charCodeAt(0);
        return code < 32 ? "\\u" + code.toString(16).padStart(4, "0") : letter;
    });
    return '"' + escaped.join("") + '"';
}

// -- Scheme: pairs, closures, whole numbers of any size, tail calls that take no stack
class Pair {
    constructor(head, tail) {
        this.head = head;
        this.tail = tail;
    }

    *[Symbol.iterator]() {
        let rest = this;
        for (; rest instanceof Pair; rest = rest.tail) {
            yield rest.head;
        }
        if (rest !== null) {
            throw new TypeError("not a list");
        }
    }
}

class Name {
    static all = new Map();

    constructor(text) {
        this.text = text;
    }

    static of(text) {
        if (!Name.all.has(text)) {
            Name.all.set(text, new Name(text));
        }
        return Name.all.get(text);
    }
}

function list(items, tail = null) {
    return Array.from(items).reduceRight((rest, item) => new Pair(item, rest), tail);
}

const items = (rest) => (rest === null ? [] : [...rest]);

function* tokens(text) {
    const pattern = /\s+|;[^\n]*|([()'])|"((?:[^"\\]|\\.)*)"|([^\s()'";]+)/gy;
    while (pattern.lastIndex < text.length) {
        const at = pattern.lastIndex;
        const match = pattern.exec(text);
        if (match === null) {
            throw new SyntaxError("cannot be read at " + at);
        }
        if (match[1] !== undefined) {
            yield { kind: match[1] };
        } else if (match[2] !== undefined) {
            yield { kind: "text", value: match[2].replace(/\\(.)/g, "$1") };
        } else if (match[3] !== undefined) {
            yield { kind: "atom", value: match[3] };
        }
    }
}

function* read(text) {
    const open = [];
    for (const token of tokens(text)) {
        let datum;
        if (token.kind === "(" || token.kind === "'") {
            open.push({ quote: token.kind === "'", items: [] });
            continue;
        } else if (token.kind === ")") {
            const last = open.pop();
            if (last === undefined || last.quote) {
                throw new SyntaxError("a ) too many");
            }
            const dotted = last.items[last.items.length - 2] === Name.of(".");
            datum = dotted ? list(last.items.slice(0, -2), last.items[last.items.length - 1]) : list(last.items);
        } else if (token.kind === "text") {
            datum = token.value;
        } else {
            datum = /^[+-]?\d+$/.test(token.value) ? BigInt(token.value) : constant(token.value);
        }
        while (open.length && open[open.length - 1].quote) {
            open.pop();
            datum = list([Name.of("quote"), datum]);
        }
        if (open.length) {
            open[open.length - 1].items.push(datum);
        } else {
            yield datum;
        }
    }
    if (open.length) {
        throw new SyntaxError("a ) is missing");
    }
}

function constant(text) {
    return text === "#t" ? true : text === "#f" ? false : Name.of(text);
}

class Scope {
    constructor(outer) {
        this.outer = outer;
        this.values = new Map();
    }

    holder(name) {
        for (let scope = this; scope !== null; scope = scope.outer) {
            if (scope.values.has(name)) {
                return scope.values;
            }
        }
        throw new ReferenceError("nothing is named " + name.text);
    }
}

class Closure {
    constructor(parameters, body, scope) {
        this.parameters = parameters;
        this.body = body;
        this.scope = scope;
    }

    enter(values) {
        const scope = new Scope(this.scope);
        let rest = this.parameters;
        for (let index = 0; rest !== null; index++) {
            if (rest instanceof Name) {
                scope.values.set(rest, list(values.slice(index)));
                return scope;
            }
            if (index >= values.length) {
                throw new TypeError("too few arguments");
            }
            scope.values.set(rest.head, values[index]);
            rest = rest.tail;
        }
        if (scope.values.size < values.length) {
            throw new TypeError("too many arguments");
        }
        return scope;
    }
}

const again = (expression, scope) => ({ expression, scope }); // what is to be worked out in the caller's place

function inOrder(body, scope) {
    const all = items(body);
    all.slice(0, -1).forEach((expression) => work(expression, scope));
    return again(all[all.length - 1], scope);
}

const special = {
    quote: (rest) => rest.head,
    if(rest, scope) {
        const [test, then, other] = rest;
        return work(test, scope) !== false ? again(then, scope) : other === undefined ? null : again(other, scope);
    },
    lambda: (rest, scope) => new Closure(rest.head, rest.tail, scope),
    define(rest, scope) {
        const signature = rest.head;
        const value = signature instanceof Pair
            ? new Closure(signature.tail, rest.tail, scope)
            : work(rest.tail.head, scope);
        scope.values.set(signature instanceof Pair ? signature.head : signature, value);
        return null;
    },
    "set!"(rest, scope) {
        scope.holder(rest.head).set(rest.head, work(rest.tail.head, scope));
        return null;
    },
    begin: (rest, scope) => inOrder(rest, scope),
    let(rest, scope) {
        const inner = new Scope(scope);
        for (const [name, expression] of rest.head ?? []) {
            inner.values.set(name, work(expression, scope));
        }
        return inOrder(rest.tail, inner);
    },
    cond(rest, scope) {
        for (const clause of rest) {
            if (clause.head === Name.of("else") || work(clause.head, scope) !== false) {
                return inOrder(clause.tail, scope);
            }
        }
        return null;
    },
    and(rest, scope) {
        const all = items(rest);
        const fails = all.slice(0, -1).some((expression) => work(expression, scope) === false);
        return fails ? false : all.length ? again(all[all.length - 1], scope) : true;
    },
};

function work(expression, scope) {
    for (;;) {
        if (expression instanceof Name) {
            return scope.holder(expression).get(expression);
        }
        if (!(expression instanceof Pair)) {
            return expression;
        }
        const form = expression.head instanceof Name ? special[expression.head.text] : undefined;
        let result;
        if (form !== undefined) {
            result = form(expression.tail, scope);
        } else {
            const called = work(expression.head, scope);
            const values = items(expression.tail).map((argument) => work(argument, scope));
            if (called instanceof Closure) {
                result = inOrder(called.body, called.enter(values));
            } else if (typeof called === "function") {
                return called(...values);
            } else {
                throw new TypeError(show(called) + " cannot be called");
            }
        }
        if (result === null || typeof result !== "object" || result.scope === undefined || result instanceof Closure) {
            return result;
        }
        ({ expression, scope } = result);
    }
}

function show(value) {
    if (value instanceof Pair) {
        return "(" + [...value].map(show).join(" ") + ")";
    }
    if (value instanceof Name) {
        return value.text;
    }
    const known = new Map([[null, "()"], [true, "#t"], [false, "#f"]]);
    return known.get(value) ?? (typeof value === "object" ? "a procedure" : String(value));
}

function divide(operation) {
    return (left, right) => {
        if (right === 0n) {
            throw new RangeError("division by zero");
        }
        return operation(left, right);
    };
}

const PRELUDE = `
(define (not x) (if x #f #t))
(define (fold f start xs) (if (null? xs) start (fold f (f start (car xs)) (cdr xs))))
(define (reverse xs) (fold (lambda (rest x) (cons x rest)) '() xs))
(define (map f xs) (reverse (fold (lambda (rest x) (cons (f x) rest)) '() xs)))
(define (filter f xs) (reverse (fold (lambda (rest x) (if (f x) (cons x rest) rest)) '() xs)))
(define (range from to)
  (define (down n rest) (if (< n from) rest (down (- n 1) (cons n rest))))
  (down (- to 1) '()))
(define (compose . fs) (lambda (x) (fold (lambda (value f) (f value)) x fs)))
(define (prime? n)
  (define (try d) (cond ((< n (* d d)) #t) ((= 0 (remainder n d)) #f) (else (try (+ d 1)))))
  (and (< 1 n) (try 2)))
(define (counter) (let ((n 0)) (lambda () (set! n (+ n 1)) n)))
`;

function scheme() {
    const scope = new Scope(null);
    const procedures = {
        "+": (...numbers) => numbers.reduce((sum, number) => sum + number, 0n),
        "*": (...numbers) => numbers.reduce((product, number) => product * number, 1n),
        "-": (left, right) => (right === undefined ? -left : left - right),
        quotient: divide((left, right) => left / right),
        remainder: divide((left, right) => left % right),
        "<": (left, right) => left < right,
        "=": (left, right) => left === right,
        cons: (head, tail) => new Pair(head, tail),
        car: (pair) => pair.head,
        cdr: (pair) => pair.tail,
        list: (...values) => list(values),
        "null?": (value) => value === null,
        length: (values) => BigInt(items(values).length),
        append: (left, right) => list(items(left), right),
        "string-append": (...texts) => texts.join(""),
        show,
    };
    for (const [name, procedure] of Object.entries(procedures)) {
        scope.values.set(Name.of(name), procedure);
    }
    const run = (text) => [...read(text)].reduce((_, expression) => work(expression, scope), null);
    run(PRELUDE);
    return run;
}

// -- the notebook: headings, paragraphs and lists; {{...}} is an expression, {{! ...}} one that is not shown
function* blocks(text) {
    for (const part of text.trim().split(/\n{2,}/)) {
        const heading = /^(#+) (.*)$/.exec(part);
        if (heading !== null) {
            yield { kind: "heading", level: heading[1].length, text: heading[2] };
        } else if (part.startsWith("- ")) {
            yield { kind: "list", entries: part.slice(2).split(/\n- /) };
        } else {
            yield { kind: "paragraph", text: part };
        }
    }
}

function filled(text, run) {
    return text.replace(/\{\{(!?)(.*?)\}\}/gs, (_, silent, expression) => {
        const value = run(expression);
        return silent ? "" : show(value);
    }).replace(/\s+/g, " ").trim();
}

// Breaks words into lines so that the squares of what is left over at their ends have the least sum.
function broken(words, width) {
    const best = [{ cost: 0, from: 0 }];
    for (let end = 1; end <= words.length; end++) {
        let taken = -1;
        best[end] = { cost: Infinity, from: end - 1 };
        for (let from = end - 1; from >= 0; from--) {
            taken += words[from].length + 1;
            if (taken > width && from < end - 1) {
                break;
            }
            const over = end === words.length ? 0 : Math.max(0, width - taken) ** 2;
            if (best[from].cost + over < best[end].cost) {
                best[end] = { cost: best[from].cost + over, from };
            }
        }
    }
    const lines = [];
    for (let end = words.length; end > 0; end = best[end].from) {
        lines.unshift(words.slice(best[end].from, end));
    }
    return lines;
}

function justified(words, width) {
    const gaps = words.length - 1;
    const spaces = width - words.join("").length;
    return words.map((word, index) => {
        const share = Math.floor((spaces * (index + 1)) / gaps) - Math.floor((spaces * index) / gaps);
        return index < gaps ? word + " ".repeat(Math.max(1, share)) : word;
    }).join("");
}

function paragraph(text, first, rest, width = WIDTH) {
    const lines = broken(text.split(" "), width - rest.length);
    return lines.map((words, index) => {
        const last = index === lines.length - 1 || words.length === 1;
        return (index ? rest : first) + (last ? words.join(" ") : justified(words, width - rest.length));
    });
}

function set(notebook) {
    const run = scheme();
    const lines = [];
    const outline = [];
    for (const block of blocks(notebook)) {
        if (lines.length) {
            lines.push("");
        }
        if (block.kind === "heading") {
            const title = filled(block.text, run);
            outline.push({ level: block.level, line: lines.length + 1, title });
            lines.push(title, (block.level === 1 ? "=" : "-").repeat(title.length));
        } else if (block.kind === "list") {
            block.entries.forEach((entry) => lines.push(...paragraph(filled(entry, run), "  * ", "    ")));
        } else {
            lines.push(...paragraph(filled(block.text, run), "", ""));
        }
    }
    return { lines, outline };
}

function readText(path) {
    const file = std.open(path, "r");
    if (file === null) {
        throw new Error("cannot open " + path);
    }
    const text = file.readAsString();
    file.close();
    return text;
}

function writeText(path, text) {
    const file = std.open(path, "w");
    if (file === null) {
        throw new Error("cannot create " + path);
    }
    file.puts(text);
    file.close();
}

// -- what must hold
const run = scheme();
check("sum", show(run("(fold + 0 (range 0 101))")), "5050");
check("factorial", show(run("(fold * 1 (range 1 31))")), "265252859812191058636308480000000");
check("tail calls", show(run("(define (loop n) (if (= n 0) 'done (loop (- n 1)))) (loop 20000)")), "done");
check("closures", show(run("(define c (counter)) (c) (c) (list (c) ((counter)))")), "(3 1)");
check("quotes", show(run("(append '(1 (b \"c\")) '('d))")), "(1 (b c) (quote d))");
check("composition", show(run("((compose (lambda (x) (* x x)) (lambda (x) (+ x 1))) 7)")), "50");
check("no name", message(() => run("(+ 1 ship)")), "nothing is named ship");
check("zero", message(() => run("(quotient 1 0)")), "division by zero");
check("a )", message(() => run("(+ 1")), "a ) is missing");
check("arguments", message(() => run("((lambda (x) x))")), "too few arguments");
check("not a procedure", message(() => run("(1 2)")), "1 cannot be called");

const sample = { a: [1, -2.5e3, null, true, {}], deep: { list: [[], [[0]]] }, "é\n\"": "\u0001\\" };
check("JSON there and back", JsonParser.parse(printJson(sample)), sample);
check("JSON as the engine reads it", JSON.parse(printJson(sample)), sample);
check("JSON of the engine's", JsonParser.parse(JSON.stringify(sample)), sample);
check("half a list", message(() => JsonParser.parse("[1, 2")), "no ] at 5");
check("half a string", message(() => JsonParser.parse('"ab')), "a string without an end at 4");
check("too much", message(() => JsonParser.parse("1 2")), "something follows at 2");
check("too deep", message(() => JsonParser.parse("[".repeat(100))), "too deep at 33");

check("even gaps", justified(["a", "b", "c"], 9), "a   b   c");
check("lines", broken("aaa bb cc ddddd".split(" "), 6), [["aaa"], ["bb", "cc"], ["ddddd"]]);

const source = readText(DIRECTORY + "/notebook.txt");
const { lines, outline } = set(source);
check("no line is too long", lines.filter((line) => line.length > WIDTH), []);
check("nothing is left to fill in", lines.filter((line) => line.includes("{{")), []);
writeText(DIRECTORY + "/notebook.out", lines.join("\n") + "\n");
writeText(DIRECTORY + "/outline.json", printJson(outline) + "\n");
check("what was written", readText(DIRECTORY + "/notebook.out").split("\n").slice(0, -1), lines);
check("the outline", JsonParser.parse(readText(DIRECTORY + "/outline.json")), outline);
for (const { title, line } of outline) {
    check("where a heading is", lines[line - 1], title);
}
for (const line of lines) {
    print(line);
}
print(checks + " checks held");
