// Values in words.

import { facts } from "./facts.js";

/** Value with two decimals. */
export const short = (value) =>
  value === null ? "–" : value.toFixed(2).replace(/^(-?)0\./, "$1.").replace("-", "−");

const level = (value) => {
  if (value > 0.6) return "high";
  return value < 0.4 ? "low" : "medium";
};

/** A/D/V as a sentence. */
export const sentence = (values) => {
  const [first, ...rest] = facts.dimensions.map((name) => [name, level(values[name]), short(values[name])]);
  const others = rest.map(([name, word, value]) => `${name} ${word} (${value})`);
  const start = first[0][0].toUpperCase() + first[0].slice(1);
  return `${start} is ${first[1]} (${first[2]}), ${others.join(", ")}.`;
};
