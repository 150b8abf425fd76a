// Reads orders, sorts out the bad ones, sums up by customer and month, writes reports, reads them back.
"use strict";

const DIRECTORY = scriptArgs[1] || "/work";

function readLines(path) {
    const file = std.open(path, "r");
    if (file === null) {
        throw new Error("cannot open " + path);
    }
    const lines = [];
    for (let line = file.getline(); line !== null; line = file.getline()) {
        lines.push(line);
    }
    file.close();
    return lines;
}

function writeText(path, text) {
    const file = std.open(path, "w");
    if (file === null) {
        throw new Error("cannot create " + path);
    }
    file.puts(text);
    file.close();
    return text.length;
}

class Order {
    constructor(id, customer, day, cents) {
        this.id = id;
        this.customer = customer;
        this.day = day;
        this.cents = cents;
    }

    get month() {
        return this.day.slice(0, 7);
    }

    static parse(line) {
        const fields = line.split(",").map((field) => field.trim());
        if (fields.length !== 4) {
            throw new RangeError("expected 4 fields, found " + fields.length);
        }
        const [id, customer, day, amount] = fields;
        if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) {
            throw new TypeError("not a day: " + day);
        }
        const cents = Math.round(Number(amount) * 100);
        if (!Number.isFinite(cents)) {
            throw new TypeError("not an amount: " + amount);
        }
        return new Order(Number(id), customer, day, cents);
    }
}

function parseAll(lines) {
    const orders = [];
    const rejected = [];
    lines.forEach((line, index) => {
        try {
            orders.push(Order.parse(line));
        } catch (error) {
            rejected.push({ line: index + 1, reason: error.name + ": " + error.message });
        }
    });
    return { orders, rejected };
}

function* grouped(orders, key) {
    const groups = new Map();
    for (const order of orders) {
        const name = key(order);
        groups.set(name, [...(groups.get(name) || []), order]);
    }
    for (const name of [...groups.keys()].sort()) {
        yield [name, groups.get(name)];
    }
}

function total(orders) {
    return orders.reduce((sum, order) => sum + order.cents, 0);
}

function euros(cents) {
    return (cents / 100).toFixed(2);
}

function generate(count) {
    const customers = ["ada", "brian", "céline", "dmitri"];
    const lines = [];
    for (let i = 0; i < count; i++) {
        const day = "2026-" + String(1 + (i % 12)).padStart(2, "0") + "-" + String(1 + (i % 28)).padStart(2, "0");
        const amount = i % 50 === 49 ? "free" : ((i * 37) % 1000) / 4;
        lines.push([i, customers[i % customers.length], day, amount].join(", "));
    }
    return lines;
}

const source = DIRECTORY + "/orders.csv";
const written = writeText(source, generate(400).join("\n") + "\n");
const { orders, rejected } = parseAll(readLines(source));
print("wrote", written, "characters, read", orders.length, "orders, rejected", rejected.length);
print("first rejected:", JSON.stringify(rejected[0]));

const report = {};
for (const [customer, theirs] of grouped(orders, (order) => order.customer)) {
    report[customer] = { orders: theirs.length, total: euros(total(theirs)), months: {} };
    for (const [month, monthly] of grouped(theirs, (order) => order.month)) {
        report[customer].months[month] = euros(total(monthly));
    }
    writeText(DIRECTORY + "/" + customer + ".json", JSON.stringify(report[customer]));
}

let sum = 0;
for (const customer of Object.keys(report)) {
    const again = JSON.parse(readLines(DIRECTORY + "/" + customer + ".json").join(""));
    sum += Math.round(Number(again.total) * 100);
    print(customer, again.orders, again.total, Object.keys(again.months).length);
}
print("sum", euros(sum), sum === total(orders) ? "agrees" : "DIFFERS");
writeText(DIRECTORY + "/report.txt", "sum " + euros(sum) + "\n");
