// Answers of a tab, which never stand under other inputs. In the head of the page, as this has to
// act at once: changes of the inputs are counted, and what was asked for before the last one isn't
// shown.

/** By name of a tab: number of changes, and the inputs for which an answer was asked last. */
const tabs = {};

const stateOf = (tab) => (tabs[tab] ??= { numChanges: 0, asked: null });

/**
 * Outputs after a change, of which the first one gets a text: `values` are inputs and outputs.
 *
 * Nothing is emptied at changes that are told late, after an answer was asked for the same inputs.
 */
const emptied = ({ tab, numInputs, text, isAsked }, values) => {
  const state = stateOf(tab);
  const inputs = JSON.stringify(values.slice(0, numInputs));
  const outputs = values.slice(numInputs);
  if (!isAsked && state.asked === inputs) return outputs;
  state.asked = isAsked ? inputs : null;
  state.numChanges += 1;
  return outputs.map((_, k) => (k ? "" : text));
};

/** Values that are sent: the number of changes takes the place of the last one. */
const counted = (tab, values) => [...values.slice(0, -1), stateOf(tab).numChanges];

/** Outputs with the texts of an answer, or as they are if it is late. */
const filled = (tab, { count, texts }, outputs) =>
  count === stateOf(tab).numChanges ? outputs.map((_, k) => texts[k] ?? "") : outputs;

window.answers = { tabs, emptied, counted, filled };
