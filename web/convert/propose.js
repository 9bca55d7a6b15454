// From a workflow to its conversion: the server is asked, then the user.

import { ask } from "./dialog.js";
import { openConverted, toast } from "./open.js";
import { converted, sections } from "./server.js";

const NOT_THERE = "was made for AnimateDiff-Evolved, which is not installed.";
const CAN = "AnimateDiff Native can rewrite it to its own nodes, as a workflow beside it.";
const TITLES = {
  Converted: "Will be converted",
  "Left, since it has no equivalent": "Will not: no equivalent",
};

function listed(answer) {
  return sections(answer).map(({ title, lines }) => ({ title: TITLES[title] ?? title, lines }));
}

function question(answer, name, byItself) {
  const made = byItself ? NOT_THERE : "was made for AnimateDiff-Evolved.";
  return {
    title: "Convert to AnimateDiff Native?",
    message: `"${name}" ${made}\n${CAN}`,
    sections: listed(answer),
    accept: "Convert",
    refuse: "Cancel",
  };
}

function tell(title, message, answer) {
  return ask({ title, message, sections: answer ? listed(answer) : [], refuse: "Close" });
}

// given: a workflow, or a file with one; nameOf: gives its name when it is needed; byItself: nobody
// asked for it, so that nothing is said where nothing would be converted; broken: see openConverted.
// Whether the converted one is open.
export async function propose({ given, nameOf, byItself = false, broken = null }) {
  try {
    const answer = await converted(given);
    if (!answer.converted.length) {
      if (!byItself) await tell("Nothing can be converted", nameOf(), answer);
      return false;
    }
    if (!(await ask(question(answer, nameOf(), byItself)))) return false;
    return await openConverted(answer, nameOf(), broken);
  } catch (error) {
    if (byItself) toast("error", "Not converted", error.message);
    else await tell("Not converted", `${nameOf()}: ${error.message}`);
    return false;
  }
}
