// Errors as sentences for users.

/** An error whose message tells users what they can do. */
export class RefusedError extends Error {}

export const UNEXPECTED =
  "Something went wrong, which is our fault. Try another recording; the browser's console says more.";

export const explanation = (error) => {
  if (error instanceof RefusedError) return error.message;
  console.error(error);
  return UNEXPECTED;
};
