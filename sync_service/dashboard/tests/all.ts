// The pure parts, by Node's own test runner: `npm test`.
import "./calendar.test.js";
import "./documents.test.js";
import "./numbers.test.js";
import "./route.test.js";
