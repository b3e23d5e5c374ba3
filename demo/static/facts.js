// Words, limits and the model, as the package has them.

export const facts = await (await fetch(new URL("facts.json", import.meta.url))).json();
