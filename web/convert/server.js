// Asks the server for a conversion (convert/).

import { api } from "../../../scripts/api.js";
import { typeOfFile } from "./kinds.js";

const ROUTE = "/animatediff_native/convert";
const FROM_LEFT = 1; // what was converted is listed first, where anything was

// given: a workflow, or a file that has one in it. What it becomes, and what is to be said of that;
// an Error in words where it cannot be read.
export async function converted(given) {
  const file = given instanceof Blob;
  const response = await api.fetchApi(ROUTE, {
    method: "POST",
    headers: { "Content-Type": (file && typeOfFile(given)) || "application/json" },
    body: file ? given : JSON.stringify(given),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `The server answers ${response.status}.`);
  return answer;
}

// Title and lines of all there is to say, with our nodes by their titles.
export function sections(answer) {
  return answer.report.map(({ title, lines }) => ({ title, lines: lines.map(readable) }));
}

// The same without what was converted: what is left, and what is good to know.
export function remarks(answer) {
  return sections(answer).slice(answer.converted.length ? FROM_LEFT : 0);
}

function readable(line) {
  const titled = line.replace(/\b(ADN_\w+) \(\d+\)/g, (all, type) => titleOf(type) ?? all);
  return titled.replace(" -> ", " → ");
}

function titleOf(type) {
  return LiteGraph.registered_node_types[type]?.title?.split(" (")[0];
}
